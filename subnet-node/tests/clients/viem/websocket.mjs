// Watches a running network as a user of viem would: over a WebSocket, and by filters over HTTP.
//
//   node websocket.mjs http://127.0.0.1:8545 0xPRIVATE_KEY
import assert from 'node:assert/strict'
import { createPublicClient, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { compile } from '../compile.mjs'
import { chain, owner as wallet, publicClient as overHttp, settled, url } from './connect.mjs'

const client = createPublicClient({ chain, transport: webSocket(url.replace('http', 'ws')) })
const onError = (why) => {
  console.error(why)
  process.exit(1)
}
const until = async (what, is) => {
  for (const give_up = Date.now() + 60_000; !is(); await new Promise((again) => setTimeout(again, 20)))
    assert(Date.now() < give_up, `waited for ${what}`)
}

const { abi, bytecode } = compile(import.meta.url, 'token.sol', 'RiverToken')
const { contractAddress: address } = await settled(await wallet.deployContract({ abi, bytecode, args: [1_000_000n] }))

const blocks = []
const numbers = []
const pending = []
const events = []
const watched = [
  client.watchBlocks({ onBlock: (block) => blocks.push(block), onError }),
  client.watchBlockNumber({ onBlockNumber: (number) => numbers.push(number), onError }),
  client.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes), onError }),
  client.watchContractEvent({ address, abi, eventName: 'Transfer', onLogs: (logs) => events.push(...logs), onError }),
]
await until('a block', () => numbers.length > 0)

const blockFilter = await overHttp.createBlockFilter()
const pendingFilter = await overHttp.createPendingTransactionFilter()
const eventFilter = await overHttp.createContractEventFilter({ address, abi, eventName: 'Transfer' })

const to = privateKeyToAccount(`0x${'11'.repeat(32)}`).address
const receipts = []
for (const amount of [1n, 2n, 3n])
  receipts.push(await settled(await wallet.writeContract({ address, abi, functionName: 'transfer', args: [to, amount] })))
const sent = receipts.map(({ transactionHash }) => transactionHash)
const last = receipts.at(-1).blockNumber
await until('the blocks', () => numbers.at(-1) >= last && blocks.some(({ number }) => number >= last))
await until('the events and hashes', () => events.length >= 3 && pending.length >= 3)

numbers.forEach((number, at) => assert.equal(number, numbers[0] + BigInt(at), 'every block once and in order'))
assert.deepEqual(pending, sent)
assert.deepEqual(events.map(({ args }) => args.value), [1n, 2n, 3n])
assert.deepEqual(events.map(({ transactionHash }) => transactionHash), sent)
console.log(`websocket: ${numbers.length} blocks, ${pending.length} transactions, ${events.length} events`)

const hashes = await overHttp.getFilterChanges({ filter: blockFilter })
for (const { blockHash } of receipts) assert(hashes.includes(blockHash))
assert.deepEqual(await overHttp.getFilterChanges({ filter: pendingFilter }), sent)
const changes = await overHttp.getFilterChanges({ filter: eventFilter })
assert.deepEqual(changes.map(({ args }) => args.value), [1n, 2n, 3n])
assert.equal(await overHttp.uninstallFilter({ filter: eventFilter }), true)
await assert.rejects(overHttp.getFilterChanges({ filter: eventFilter }), /filter not found/)

watched.forEach((unwatch) => unwatch())
console.log('ok: blocks, transactions and events were watched over a WebSocket and by filters')
process.exit(0)
