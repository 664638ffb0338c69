// A subnet as a program with viem sees it: the two scripts that its users may copy, and viem's actions one by one.
//
//   RPC_URL=http://127.0.0.1:8545 PRIVATE_KEY=0x… npm test
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  BaseError, InsufficientFundsError, NonceTooLowError, createPublicClient, createWalletClient, defineChain, encodeFunctionData, fallback, hashMessage,
  http, parseAbiItem, parseEther, parseGwei, publicActions, toHex,
} from 'viem'
import { generatePrivateKey, nonceManager, privateKeyToAccount } from 'viem/accounts'
import { casesWith, privateKey, until, url, urls } from '../cases.mjs'
import { compile } from '../compile.mjs'

const works = casesWith({
  'state is proven': 'eth_getProof is refused: the state is no Merkle-Patricia tree, and subnet_getProof proves it',
})

const transport = http(url)
const chain = defineChain({
  id: await createPublicClient({ transport }).getChainId(),
  name: 'Tributary',
  nativeCurrency: { name: 'TRB', symbol: 'TRB', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
})
// The latest block's number is asked for each time.
const client = createPublicClient({ chain, transport, pollingInterval: 100, cacheTime: 0 })
const walletOf = (key, more = {}) => createWalletClient({ account: privateKeyToAccount(key, more), chain, transport })
const owner = walletOf(privateKey)
const stranger = (more) => walletOf(generatePrivateKey(), more)
const settled = async (sent) => {
  const receipt = await client.waitForTransactionReceipt({ hash: await sent })
  assert.equal(receipt.status, 'success')
  return receipt
}
const funded = async (more) => {
  const wallet = stranger(more)
  await settled(owner.sendTransaction({ to: wallet.account.address, value: parseEther('1') }))
  return wallet
}
const cause = (kind) => (why) => why instanceof BaseError && why.walk((inner) => inner instanceof kind) !== null

const { abi, bytecode } = compile(import.meta.url, 'probe.sol', 'Probe')
let probe
const read = (functionName, args = [], more = {}) => client.readContract({ address: probe, abi, functionName, args, ...more })
const write = (functionName, args = [], wallet = owner) => wallet.writeContract({ address: probe, abi, functionName, args })

for (const script of ['erc20.mjs', 'websocket.mjs', 'calls.mjs'])
  works(`${script} runs to its end`, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, url, privateKey], { cwd: new URL('.', import.meta.url) })
    assert.match(stdout, /^ok: /m)
  })

works('a contract is deployed', async () => {
  probe = (await settled(owner.deployContract({ abi, bytecode }))).contractAddress
  assert.notEqual(await client.getCode({ address: probe }), undefined)
})

works('blocks are found by number, tag and hash', async () => {
  const latest = await client.getBlock()
  assert.equal((await client.getBlock({ blockHash: latest.hash })).number, latest.number)
  for (const blockTag of ['earliest', 'safe', 'finalized', 'pending']) assert((await client.getBlock({ blockTag })).number >= 0n, blockTag)
  const { blockNumber, transactionHash } = await settled(write('note', [3n, 'counted']))
  assert((await client.getBlockTransactionCount({ blockNumber })) >= 1)
  const full = await client.getBlock({ blockNumber, includeTransactions: true })
  assert(full.transactions.some(({ hash }) => hash === transactionHash))
  await assert.rejects(client.getBlock({ blockNumber: latest.number + 100_000n }), /could not be found/)
})

works('a transaction is found by hash and by place', async () => {
  const { transactionHash: hash, blockNumber, transactionIndex: index } = await settled(write('note', [4n, 'found']))
  const found = await client.getTransaction({ hash })
  assert.deepEqual(await client.getTransaction({ blockNumber, index }), found)
  assert.equal(found.typeHex, '0x2')
  assert((await client.getTransactionConfirmations({ hash })) >= 1n)
  await assert.rejects(client.getTransactionReceipt({ hash: `0x${'12'.repeat(32)}` }), /could not be found/)
})

works('fees are known and estimated', async () => {
  const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
  assert.deepEqual([history.baseFeePerGas.length, history.reward.length], [5, 4])
  const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
  assert(maxFeePerGas > 0n && maxPriorityFeePerGas >= 0n)
  assert((await client.getGasPrice()) > 0n)
  assert((await client.estimateMaxPriorityFeePerGas()) >= 0n)
  assert.equal(await client.getBlobBaseFee(), 1n)
})

works('accounts and storage are read at a block', async () => {
  const { address } = owner.account
  const before = await client.getBlockNumber({ cacheTime: 0 })
  await settled(owner.sendTransaction({ to: probe, value: 5n }))
  assert((await client.getBalance({ address })) < (await client.getBalance({ address, blockNumber: before })))
  const nonce = await client.getTransactionCount({ address, blockTag: 'pending' })
  assert(nonce > (await client.getTransactionCount({ address, blockNumber: before })))
  await settled(write('note', [12n, 'stored']))
  assert.equal(BigInt(await client.getStorageAt({ address: probe, slot: '0x0' })), 12n)
})

works('a write is simulated first', async () => {
  const { request } = await client.simulateContract({ account: owner.account, address: probe, abi, functionName: 'note', args: [5n, 'simulated'] })
  await settled(owner.writeContract(request))
  assert.equal(await read('number'), 5n)
})

works('a failure is told in the contract’s words', async () => {
  const errorOf = (functionName, args) =>
    read(functionName, args).then(() => assert.fail('it went well'), (why) => why.walk((inner) => inner.name === 'ContractFunctionRevertedError'))
  assert.equal((await errorOf('revertWithReason')).reason, 'the reason')
  assert.match((await errorOf('overflow', [1n])).reason, /Arithmetic operation resulted in underflow or overflow/)
  assert.equal((await errorOf('refuse')).data.errorName, 'Refused')
})

works('what the mempool refuses is told in kinds that viem knows', async () => {
  const to = owner.account.address
  const fees = { gas: 21_000n, maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: 1n }
  await assert.rejects(stranger().sendTransaction({ ...fees, to, value: 1n, nonce: 0 }), cause(InsufficientFundsError))
  await assert.rejects(owner.sendTransaction({ ...fees, to, nonce: 0 }), cause(NonceTooLowError))
})

works('many calls are one call, without a contract for it', async () => {
  const calls = [0n, 1n, 2n].map(() => ({ address: probe, abi, functionName: 'number' }))
  const failing = { address: probe, abi, functionName: 'revertWithReason' }
  const results = await client.multicall({ contracts: [...calls, failing], deployless: true })
  assert.deepEqual(results.map(({ status }) => status), ['success', 'success', 'success', 'failure'])
})

works('questions travel in batches', async () => {
  const batched = createPublicClient({ chain, transport: http(url, { batch: { batchSize: 200 } }) })
  const addresses = Array.from({ length: 100 }, (_, at) => toHex(at + 1, { size: 20 }))
  const balances = await Promise.all(addresses.map((address) => batched.getBalance({ address })))
  assert.equal(balances.length, 100)
})

works('a burst of one account runs in order', async () => {
  const wallet = await funded({ nonceManager })
  const to = stranger().account.address
  const fees = { gas: 21_000n, maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: 1n }
  const sent = await Promise.all(Array.from({ length: 20 }, (_, at) => wallet.sendTransaction({ ...fees, to, value: BigInt(at + 1) })))
  await Promise.all(sent.map((hash) => settled(hash)))
  assert.equal(await client.getBalance({ address: to }), 210n)
})

works('a transaction that waits is replaced, and who waits for it learns it', async () => {
  const wallet = await funded()
  const [to, other] = [stranger().account.address, stranger().account.address]
  const fees = { gas: 21_000n, maxFeePerGas: parseGwei('5'), maxPriorityFeePerGas: 1n }
  const better = { ...fees, maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: parseGwei('1') }
  const first = await wallet.sendTransaction({ ...fees, to, value: 1n, nonce: 1 })
  let reason
  const waiting = client.waitForTransactionReceipt({ hash: first, onReplaced: (told) => (reason = told.reason) })
  // viem looks at what it waits for with every block, and only then could tell that another has taken its place.
  const seen = await client.getBlockNumber({ cacheTime: 0 })
  await until('two blocks', async () => (await client.getBlockNumber({ cacheTime: 0 })) >= seen + 2n)
  const second = await wallet.sendTransaction({ ...better, to: other, value: 2n, nonce: 1 })
  await settled(wallet.sendTransaction({ ...fees, to, value: 3n, nonce: 0 }))
  assert.equal((await waiting).transactionHash, second)
  assert.equal(reason, 'replaced')
})

works('an account runs a contract’s code by EIP-7702', async () => {
  const wallet = await funded()
  const { address } = wallet.account
  const authorization = await wallet.signAuthorization({ contractAddress: probe, executor: 'self' })
  await settled(wallet.sendTransaction({ to: address, gas: 200_000n, authorizationList: [authorization], data: encodeFunctionData({ abi, functionName: 'note', args: [9n, 'own code'] }) }))
  assert.equal(await client.getCode({ address }), `0xef0100${probe.slice(2)}`)
  assert.equal(BigInt(await client.getStorageAt({ address, slot: '0x0' })), 9n)
})

works('signatures are checked: of an account, and of a contract', async () => {
  const message = 'the river'
  const signature = await owner.signMessage({ message })
  assert.equal(await client.verifyMessage({ address: owner.account.address, message, signature }), true)
  assert.equal(await client.verifyMessage({ address: stranger().account.address, message, signature }), false)
  assert.equal(await client.verifyMessage({ address: probe, message, signature }), true, 'ERC-1271')
  assert.equal(await client.verifyHash({ address: probe, hash: hashMessage('another'), signature }), false)
})

works('events are found by argument', async () => {
  const first = await settled(write('note', [31n, 'a']))
  const last = await settled(write('note', [32n, 'b']))
  const event = parseAbiItem('event Noted(address indexed by, uint256 indexed number, string note)')
  const range = { fromBlock: first.blockNumber, toBlock: last.blockNumber }
  const notes = async (args) => (await client.getLogs({ address: probe, event, args, ...range })).map((log) => log.args.note)
  assert.deepEqual(await notes(), ['a', 'b'])
  assert.deepEqual(await notes({ number: 32n }), ['b'])
  assert.deepEqual(await notes({ by: owner.account.address, number: [31n, 32n] }), ['a', 'b'])
  assert.deepEqual(await notes({ by: probe }), [])
  const inBlock = await client.getLogs({ address: probe, event, blockHash: last.blockHash })
  assert.deepEqual(inBlock.map((log) => log.transactionHash), [last.transactionHash])
})

works('blocks, transactions and events are told over HTTP', async () => {
  const [numbers, pending, events] = [[], [], []]
  const onError = (why) => assert.fail(why)
  const watched = [
    client.watchBlockNumber({ onBlockNumber: (number) => numbers.push(number), onError, emitMissed: true }),
    client.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes), onError }),
    client.watchContractEvent({ address: probe, abi, eventName: 'Noted', onLogs: (logs) => events.push(...logs), onError }),
  ]
  // Filters are made in the background.
  await until('two blocks', () => numbers.length >= 2)
  const { transactionHash } = await settled(write('note', [51n, 'told']))
  await until('the event', () => events.length > 0 && pending.includes(transactionHash))
  watched.forEach((stop) => stop())
  assert.equal(events[0].args.number, 51n)
})

works('several nodes stand in for one', async (t) => {
  if (urls.length < 2) return t.skip('one node was named')
  const dead = 'http://127.0.0.1:1'
  const client = createPublicClient({ chain, transport: fallback([dead, ...urls].map((one) => http(one, { retryCount: 0 }))) })
  assert.equal(await client.getChainId(), chain.id)
  const { blockNumber } = await settled(write('note', [61n, 'everywhere']))
  for (const one of urls) {
    const other = createPublicClient({ chain, transport: http(one) })
    await until('the block', async () => (await other.getBlockNumber({ cacheTime: 0 })) >= blockNumber)
    assert.equal(await other.readContract({ address: probe, abi, functionName: 'number', blockNumber }), 61n)
  }
})

works('code that is nowhere is called', async () => {
  const { data } = await client.call({ code: bytecode, data: encodeFunctionData({ abi, functionName: 'number' }) })
  assert.equal(BigInt(data), 0n)
})

works('a call sees another state', async () => {
  const address = stranger().account.address
  const stateOverride = [{ address, balance: 123n }, { address: probe, stateDiff: [{ slot: toHex(0, { size: 32 }), value: toHex(99, { size: 32 }) }] }]
  assert.equal(await read('balanceOf', [address], { stateOverride }), 123n)
  assert.equal(await read('number', [], { stateOverride }), 99n)
})

works('gas is estimated with an access list', async () => {
  const accessList = [{ address: probe, storageKeys: [toHex(0, { size: 32 })] }]
  const gas = await client.estimateGas({ account: owner.account, to: stranger().account.address, accessList })
  assert.equal(gas, 21_000n + 2_400n + 1_900n)
})

works('gas is estimated with an authorization', async () => {
  const wallet = await funded()
  const authorization = await wallet.signAuthorization({ contractAddress: probe, executor: 'self' })
  await settled(wallet.sendTransaction({ to: wallet.account.address, authorizationList: [authorization] }))
})

works('a call runs the code that an authorization names', async () => {
  const wallet = await funded()
  const authorization = await wallet.signAuthorization({ contractAddress: probe })
  const { data } = await client.call({ account: owner.account, to: wallet.account.address, authorizationList: [authorization], data: encodeFunctionData({ abi, functionName: 'number' }) })
  assert.equal(BigInt(data), 0n)
  assert.equal(await client.getCode({ address: wallet.account.address }), undefined, 'nothing lasts')
})

works('an access list is made', async () => {
  const { accessList, gasUsed } = await client.createAccessList({ account: owner.account, to: probe, data: encodeFunctionData({ abi, functionName: 'number' }) })
  assert.deepEqual(accessList, [{ address: probe, storageKeys: [toHex(0, { size: 32 })] }])
  assert(gasUsed > 21_000n)
})

works('state is proven', async () => {
  const proof = await client.getProof({ address: probe, storageKeys: [toHex(0, { size: 32 })] })
  assert.equal(proof.balance, await client.getBalance({ address: probe }))
})

works('calls are simulated in blocks', async () => {
  const { results } = await client.simulateCalls({ account: owner.account.address, calls: [{ to: probe, abi, functionName: 'note', args: [8n, 'simulated'] }, { to: probe, abi, functionName: 'number' }] })
  assert.deepEqual(results.map(({ status }) => status), ['success', 'success'])
  assert.equal(results[1].result, 8n)
})

works('the mempool is shown', async () => {
  const { pending, queued } = await owner.extend(publicActions).request({ method: 'txpool_status' })
  assert(BigInt(pending) >= 0n && BigInt(queued) >= 0n)
})
