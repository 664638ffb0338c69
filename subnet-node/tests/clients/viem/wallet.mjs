// The way of a wallet on a subnet, as a page goes it through EIP-1193: connect, add the chain, switch to it, sign, send, watch.
//
//   RPC_URL=http://127.0.0.1:8545 PRIVATE_KEY=0x… npm run wallet
import assert from 'node:assert/strict'
import {
  createPublicClient, createWalletClient, custom, defineChain, hexToNumber, http, numberToHex, parseEther, recoverMessageAddress,
  recoverTypedDataAddress,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { casesWith, privateKey, until, url } from '../cases.mjs'
import { compile } from '../compile.mjs'
import { WalletProvider } from './provider.mjs'

const works = casesWith()
const id = await createPublicClient({ transport: http(url) }).getChainId()
const chain = defineChain({
  id,
  name: 'Tributary',
  nativeCurrency: { name: 'TRB', symbol: 'TRB', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
})

const refused = []
const wallet = new WalletProvider(privateKey, (what) => !refused.includes(what))
const told = []
for (const event of ['connect', 'accountsChanged', 'chainChanged']) wallet.on(event, (value) => told.push([event, value]))
const page = createWalletClient({ transport: custom(wallet) })
const client = createPublicClient({ chain, transport: custom(wallet), pollingInterval: 100 })
const account = privateKeyToAccount(privateKey).address
const friend = privateKeyToAccount(generatePrivateKey()).address
const settled = async (sent) => {
  const receipt = await client.waitForTransactionReceipt({ hash: await sent })
  assert.equal(receipt.status, 'success')
  return receipt
}

works('a page sees no account before the user connects', async () => {
  assert.deepEqual(await page.getAddresses(), [])
  refused.push('connect')
  await assert.rejects(page.requestAddresses(), { name: 'UserRejectedRequestError' })
  refused.pop()
  assert.deepEqual(await page.requestAddresses(), [account])
  assert.deepEqual(told.splice(0), [['connect', { chainId: '0x1' }], ['accountsChanged', [account]]])
})

works('a chain that the wallet does not know is added, and switched to', async () => {
  await assert.rejects(page.switchChain({ id }), { name: 'SwitchChainError', code: 4902 })
  await assert.rejects(page.addChain({ chain: { ...chain, id: id + 1 } }))
  await page.addChain({ chain })
  await page.switchChain({ id })
  assert.deepEqual(told.splice(0), [['chainChanged', numberToHex(id)]])
  assert.equal(await page.getChainId(), id)
  assert.equal(hexToNumber(await wallet.request({ method: 'eth_chainId' })), id)
})

works('a page reads the chain through the wallet', async () => {
  assert((await client.getBlockNumber()) > 0n)
  assert((await client.getBalance({ address: account })) > 0n)
})

works('a message is signed, and the signature is the account’s', async () => {
  const message = 'Sign in to the river.'
  const signature = await page.signMessage({ account, message })
  assert.equal(await recoverMessageAddress({ message, signature }), account)
  assert.equal(await client.verifyMessage({ address: account, message, signature }), true)
  refused.push('sign a message')
  await assert.rejects(page.signMessage({ account, message }), { name: 'UserRejectedRequestError' })
  refused.pop()
  await assert.rejects(page.signMessage({ account: friend, message }), /no account of this page/)
})

works('typed data is signed, and the signature is the account’s', async () => {
  const data = {
    domain: { name: 'River', version: '1', chainId: id, verifyingContract: friend },
    types: { Crossing: [{ name: 'who', type: 'address' }, { name: 'toll', type: 'uint256' }] },
    primaryType: 'Crossing',
    message: { who: account, toll: 3n },
  }
  const signature = await page.signTypedData({ account, ...data })
  assert.equal(await recoverTypedDataAddress({ ...data, signature }), account)
  assert.equal(await client.verifyTypedData({ address: account, ...data, signature }), true)
})

works('a transfer is sent, and its receipt awaited', async () => {
  const value = parseEther('0.5')
  const { gasUsed } = await settled(page.sendTransaction({ account, chain, to: friend, value }))
  assert.equal(gasUsed, 21_000n)
  assert.equal(await client.getBalance({ address: friend }), value)
})

works('a transaction that the user refuses is not sent', async () => {
  const nonce = await client.getTransactionCount({ address: account, blockTag: 'pending' })
  refused.push('send a transaction')
  await assert.rejects(page.sendTransaction({ account, chain, to: friend, value: 1n }), (why) => /User rejected the request/.test(why.message))
  refused.pop()
  assert.equal(await client.getTransactionCount({ address: account, blockTag: 'pending' }), nonce)
})

works('a transaction that must fail is refused before it is sent, in the contract’s words', async () => {
  const { abi, bytecode } = compile(import.meta.url, 'probe.sol', 'Probe')
  const { contractAddress: address } = await settled(page.deployContract({ account, chain, abi, bytecode }))
  await assert.rejects(page.writeContract({ account, chain, address, abi, functionName: 'revertWithReason' }), /the reason/)
})

works('a token is deployed, shown in the wallet, moved and watched', async () => {
  const { abi, bytecode } = compile(import.meta.url, 'token.sol', 'RiverToken')
  const { contractAddress: address } = await settled(page.deployContract({ account, chain, abi, bytecode, args: [100n] }))
  const symbol = await client.readContract({ address, abi, functionName: 'symbol' })
  assert.equal(await page.watchAsset({ type: 'ERC20', options: { address, decimals: 18, symbol } }), true)
  const [moves, blocks] = [[], []]
  const stop = [
    client.watchContractEvent({ address, abi, eventName: 'Transfer', onLogs: (logs) => moves.push(...logs) }),
    client.watchBlockNumber({ onBlockNumber: (number) => blocks.push(number), emitMissed: true }),
  ]
  await until('two blocks', () => blocks.length >= 2)
  await settled(page.writeContract({ account, chain, address, abi, functionName: 'transfer', args: [friend, 7n] }))
  await until('the event', () => moves.length > 0)
  stop.forEach((end) => end())
  assert.deepEqual(moves.map(({ args }) => [args.from, args.to, args.value]), [[account, friend, 7n]])
})

works('the user disconnects', async () => {
  await wallet.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
  assert.deepEqual(told.splice(0), [['accountsChanged', []]])
  await assert.rejects(page.sendTransaction({ account, chain, to: friend, value: 1n }), /no account of this page/)
})
