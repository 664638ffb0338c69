// Asks a running network what would be if it were otherwise, as a user of viem would.
//
//   node calls.mjs http://127.0.0.1:8545 0xPRIVATE_KEY
import assert from 'node:assert/strict'
import { encodeAbiParameters, encodeFunctionData, keccak256, pad, parseEther, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { compile } from '../compile.mjs'
import { owner, publicClient, settled } from './connect.mjs'

const stranger = privateKeyToAccount(generatePrivateKey()).address
const friend = privateKeyToAccount(generatePrivateKey()).address

const { abi, bytecode } = compile(import.meta.url, 'token.sol', 'RiverToken')
const address = (await settled(await owner.deployContract({ abi, bytecode, args: [1_000n] }))).contractAddress
const data = (functionName, args) => encodeFunctionData({ abi, functionName, args })

// A balance that the token does not keep: the first slot of the contract is the mapping.
const slot = keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [stranger, 0n]))
const rich = { address, stateDiff: [{ slot, value: pad(toHex(77n)) }] }
const balanceOf = (stateOverride) =>
  publicClient.readContract({ address, abi, functionName: 'balanceOf', args: [stranger], stateOverride })
assert.equal(await balanceOf([rich]), 77n)
assert.equal(await balanceOf(), 0n)

// A sender who has nothing, and one who is lent something.
const transfer = { account: stranger, to: friend, value: parseEther('1') }
await assert.rejects(publicClient.estimateGas(transfer), /insufficient funds/)
const lent = { address: stranger, balance: parseEther('2') }
assert.equal(await publicClient.estimateGas({ ...transfer, stateOverride: [lent] }), 21_000n)

// NUMBER, in code that nobody deployed.
const code = '0x435f5260205ff3'
const { data: number } = await publicClient.call({
  to: friend, stateOverride: [{ address: friend, code }], blockOverrides: { number: 777n },
})
assert.equal(BigInt(number), 777n)
// A call finds itself in the block that is named.
const named = await publicClient.getBlockNumber({ cacheTime: 0 })
for (const blockNumber of [named, named - 1n]) {
  const { data: told } = await publicClient.call({ to: friend, stateOverride: [{ address: friend, code }], blockNumber })
  assert.equal(BigInt(told), blockNumber)
}
console.log('calls: otherwise, and as it is')

// What a transfer reaches, paid for ahead.
const move = { account: owner.account, to: address, data: data('transfer', [friend, 5n]) }
const { accessList, gasUsed } = await publicClient.createAccessList(move)
assert.deepEqual(accessList.map((item) => [item.address.toLowerCase(), item.storageKeys.length]), [[address.toLowerCase(), 2]])
const receipt = await settled(await owner.sendTransaction({ ...move, accessList }))
assert.equal(receipt.gasUsed, gasUsed)
console.log(`access list: ${accessList[0].storageKeys.length} slots, ${gasUsed} gas, as said`)

// Two blocks that never were.
const blocks = await publicClient.simulateBlocks({
  blocks: [
    { stateOverrides: [lent, rich], calls: [transfer, { account: stranger, to: address, abi, functionName: 'transfer', args: [friend, 70n] }] },
    { calls: [{ account: friend, to: address, abi, functionName: 'balanceOf', args: [friend] }, { account: friend, to: address, data: data('transfer', [stranger, 76n]) }] },
  ],
  traceTransfers: true,
})
const [[sent, moved], [told, refused]] = blocks.map(({ calls }) => calls)
assert.deepEqual([sent.status, moved.status, told.status, refused.status], ['success', 'success', 'success', 'failure'])
assert.equal(sent.logs[0].address, '0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee')
assert.equal(told.result, 75n)
assert.match(String(refused.error), /revert/i)
assert.equal(blocks[1].parentHash, blocks[0].hash)
assert.equal(await publicClient.getBalance({ address: friend }), 0n)
console.log('ok: calls, access lists and simulations answered, and nothing of them stayed')
