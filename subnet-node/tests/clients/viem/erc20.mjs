// Deploys an OpenZeppelin ERC-20 on a running network and moves tokens, as a user of viem would.
//
//   node erc20.mjs http://127.0.0.1:8545 0xPRIVATE_KEY
import assert from 'node:assert/strict'
import { parseEther } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { compile } from '../compile.mjs'
import { owner, publicClient, settled, walletOf } from './connect.mjs'

const friend = walletOf(generatePrivateKey())

const gift = parseEther('1')
const transfer = await settled(await owner.sendTransaction({ to: friend.account.address, value: gift }))
assert.equal(transfer.gasUsed, 21_000n)
assert.equal(await publicClient.getBalance({ address: friend.account.address }), gift)
console.log(`transfer: ${transfer.transactionHash} in block ${transfer.blockNumber}`)

// One call, and the receipt of a final block (EIP-7966).
const started = performance.now()
const more = await owner.sendTransactionSync({ to: friend.account.address, value: gift })
assert.equal(more.status, 'success')
assert.equal(await publicClient.getBalance({ address: friend.account.address }), 2n * gift)
console.log(`transfer: ${more.transactionHash} in block ${more.blockNumber}, ${Math.round(performance.now() - started)} ms`)

const { abi, bytecode } = compile(import.meta.url, 'token.sol', 'RiverToken')
const supply = 1_000_000n
const deployment = await settled(await owner.deployContract({ abi, bytecode, args: [supply] }))
const address = deployment.contractAddress
console.log(`token: ${address}, ${deployment.gasUsed} gas`)

const read = (functionName, args) => publicClient.readContract({ address, abi, functionName, args })
assert.equal(await read('symbol'), 'RVR')
assert.equal(await read('balanceOf', [owner.account.address]), supply)

const write = async (wallet, functionName, args) => settled(await wallet.writeContract({ address, abi, functionName, args }))
const moved = await write(owner, 'transfer', [friend.account.address, 400n])
await write(friend, 'approve', [owner.account.address, 150n])
await write(owner, 'transferFrom', [friend.account.address, owner.account.address, 150n])
assert.equal(await read('balanceOf', [friend.account.address]), 250n)
assert.equal(await read('balanceOf', [owner.account.address]), supply - 250n)

const logs = await publicClient.getContractEvents({ address, abi, eventName: 'Transfer', fromBlock: moved.blockNumber })
assert.deepEqual(logs.map(({ args }) => args.value), [400n, 150n])

await assert.rejects(write(friend, 'transfer', [owner.account.address, 251n]), /ERC20InsufficientBalance/)
assert.equal(await read('balanceOf', [friend.account.address]), 250n)
console.log('ok: an ERC-20 was deployed, moved, approved, read back, and refused what it should')
