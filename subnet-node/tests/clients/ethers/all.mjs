// A subnet as a program with ethers sees it: blocks, accounts, every type of transaction, contracts, events, errors.
//
//   RPC_URL=http://127.0.0.1:8545 PRIVATE_KEY=0x… npm test
import assert from 'node:assert/strict'
import { after } from 'node:test'
import {
  Contract, ContractFactory, FallbackProvider, Interface, JsonRpcProvider, NonceManager, Transaction, Wallet, WebSocketProvider, ZeroAddress,
  isError, parseEther, parseUnits,
} from 'ethers'
import { casesWith, privateKey, until, url, urls, websocketUrl } from '../cases.mjs'
import { compile } from '../compile.mjs'

// ethers remembers an answer for 250 ms unless told otherwise. Blocks come faster, so a nonce would be old.
const settings = { pollingInterval: 100, cacheTimeout: -1 }
const provider = new JsonRpcProvider(url, undefined, settings)
const socket = new WebSocketProvider(websocketUrl, undefined, settings)
const owner = new Wallet(privateKey, provider)
const stranger = () => Wallet.createRandom(provider)
after(async () => {
  provider.destroy()
  await socket.destroy()
})

const works = casesWith()

const settled = async (sent) => {
  const receipt = await (await sent).wait()
  assert.equal(receipt.status, 1)
  return receipt
}
const refused = (code, more = () => {}) => (why) => {
  assert(isError(why, code), `${why.code}: ${why.message}`)
  more(why)
  return true
}
const funded = async (value = parseEther('1')) => {
  const wallet = stranger()
  await settled(owner.sendTransaction({ to: wallet.address, value }))
  return wallet
}

const [tokenCode, probeCode] = [['token.sol', 'RiverToken'], ['probe.sol', 'Probe']].map((name) => compile(import.meta.url, ...name))
let token, probe

works('the network is the one that its chain id names', async () => {
  const { chainId } = await provider.getNetwork()
  assert.equal(chainId, BigInt(await provider.send('eth_chainId', [])))
  assert.equal(await provider.send('net_version', []), chainId.toString())
})

works('blocks are found by number, tag and hash', async () => {
  const latest = await provider.getBlock('latest')
  assert.equal((await provider.getBlock(latest.hash)).number, latest.number)
  assert.equal((await provider.getBlock(latest.number)).hash, latest.hash)
  assert.equal((await provider.getBlock('earliest')).number, 0)
  for (const tag of ['safe', 'finalized']) assert((await provider.getBlock(tag)).number <= (await provider.getBlockNumber()), tag)
  assert.equal((await provider.getBlock(latest.number)).parentHash, (await provider.getBlock(latest.number - 1)).hash)
  assert.equal(await provider.getBlock(latest.number + 100_000), null)
  assert.equal(await provider.getBlock(`0x${'12'.repeat(32)}`), null)
})

works('the number of blocks grows, and each is told', async () => {
  const told = []
  await provider.on('block', (number) => told.push(number))
  await until('three blocks', () => told.length >= 3)
  await provider.off('block')
  told.forEach((number, at) => assert.equal(number, told[0] + at))
})

works('fees are known', async () => {
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData()
  assert(gasPrice > 0n && maxFeePerGas > 0n && maxPriorityFeePerGas >= 0n)
})

works('an account has a balance, a nonce and no code', async () => {
  assert((await provider.getBalance(owner)) > 0n)
  assert.equal(await provider.getBalance(stranger().address), 0n)
  assert.equal(await provider.getTransactionCount(stranger().address, 'pending'), 0)
  assert.equal(await provider.getCode(owner.address), '0x')
  assert.equal(await provider.getStorage(owner.address, 0), `0x${'00'.repeat(32)}`)
})

works('a transfer costs 21,000 gas and arrives', async () => {
  const to = stranger().address
  const sent = await owner.sendTransaction({ to, value: 7n })
  const receipt = await sent.wait(2)
  assert.deepEqual([receipt.gasUsed, receipt.type, receipt.to, receipt.index >= 0], [21_000n, 2, to, true])
  assert.equal(await provider.getBalance(to), 7n)
  assert.equal(await provider.getBalance(to, receipt.blockNumber - 1), 0n)
  assert((await receipt.confirmations()) >= 2)
  const found = await provider.getTransaction(sent.hash)
  assert.deepEqual([found.blockHash, found.value, found.from], [receipt.blockHash, 7n, owner.address])
  assert.equal(found.hash, Transaction.from(found).hash, 'what the node shows is what was signed')
  const block = await provider.getBlock(receipt.blockNumber, true)
  assert.equal(block.getPrefetchedTransaction(sent.hash).hash, sent.hash)
  assert.equal((await provider.waitForTransaction(sent.hash)).blockNumber, receipt.blockNumber)
})

works('transactions of types 0 and 1 run', async () => {
  const to = stranger().address
  const { gasPrice } = await provider.getFeeData()
  const legacy = await settled(owner.sendTransaction({ type: 0, to, value: 1n, gasPrice: gasPrice * 2n }))
  const accessList = [{ address: to, storageKeys: [`0x${'00'.repeat(32)}`] }]
  const listed = await settled(owner.sendTransaction({ type: 1, to, value: 1n, accessList, gasLimit: 30_000n, gasPrice: gasPrice * 2n }))
  assert.deepEqual([legacy.type, listed.type], [0, 1])
  assert.equal(listed.gasUsed, 21_000n + 2_400n + 1_900n)
  assert.deepEqual((await provider.getTransaction(listed.hash)).accessList, accessList)
})

works('gas is estimated for a transaction with an access list', async () => {
  const accessList = [{ address: owner.address, storageKeys: [] }]
  assert((await provider.estimateGas({ from: owner.address, to: stranger().address, accessList })) >= 23_400n)
})

works('a contract is deployed', async () => {
  const deployed = await new ContractFactory(tokenCode.abi, tokenCode.bytecode, owner).deploy(1_000n)
  token = await deployed.waitForDeployment()
  const made = await new ContractFactory(probeCode.abi, probeCode.bytecode, owner).deploy()
  probe = await made.waitForDeployment()
  assert.notEqual(await provider.getCode(probe), '0x')
  assert.equal(await token.getDeployedCode(), await provider.getCode(token))
  assert.deepEqual([await token.symbol(), await token.balanceOf(owner)], ['RVR', 1_000n])
})

works('a contract is written to and read', async () => {
  const friend = await funded()
  await settled(token.transfer(friend, 400n))
  await settled(token.connect(friend).approve(owner, 150n))
  await settled(token.transferFrom(friend, owner, 150n))
  assert.equal(await token.balanceOf(friend), 250n)
  assert.equal(await token.transfer.staticCall(friend, 1n), true)
  assert((await token.transfer.estimateGas(friend, 1n)) > 21_000n)
  await settled(probe.note(12n, 'stored'))
  assert.equal(BigInt(await provider.getStorage(probe, 0)), 12n)
})

works('value is paid to a contract and taken back', async () => {
  await settled(owner.sendTransaction({ to: probe, value: 50n }))
  assert.deepEqual([await probe.paid(owner), await provider.getBalance(probe)], [50n, 50n])
  await settled(probe.withdraw())
  assert.equal(await provider.getBalance(probe), 0n)
})

works('a call sees an older state', async () => {
  const { blockNumber } = await settled(probe.note(1n, 'old'))
  await settled(probe.note(2n, 'new'))
  assert.deepEqual([await probe.number({ blockTag: blockNumber }), await probe.number()], [1n, 2n])
})

works('a failure is told in the contract’s words', async () => {
  await assert.rejects(probe.revertWithReason(), refused('CALL_EXCEPTION', (why) => assert.equal(why.reason, 'the reason')))
  await assert.rejects(probe.overflow(1n), refused('CALL_EXCEPTION', (why) => assert.equal(why.revert.name, 'Panic')))
  await assert.rejects(
    probe.refuse(),
    refused('CALL_EXCEPTION', ({ revert }) => assert.deepEqual([revert.name, revert.args[0]], ['Refused', owner.address])),
  )
  const tooMuch = token.connect(stranger()).transfer.staticCall(owner, 1n)
  await assert.rejects(tooMuch, refused('CALL_EXCEPTION', (why) => assert.equal(why.revert.name, 'ERC20InsufficientBalance')))
  await assert.rejects(token.transfer(owner, 10_000n), refused('CALL_EXCEPTION'))
})

works('a transaction that fails has a receipt that says so', async () => {
  const sent = await token.transfer(owner, 10_000n, { gasLimit: 100_000n })
  await assert.rejects(sent.wait(), refused('CALL_EXCEPTION', ({ receipt }) => assert.equal(receipt.status, 0)))
  const burnt = await owner.sendTransaction({ to: probe, data: probe.interface.encodeFunctionData('burnAllGas'), gasLimit: 60_000n })
  await assert.rejects(burnt.wait(), refused('CALL_EXCEPTION', ({ receipt }) => assert.equal(receipt.gasUsed, 60_000n)))
})

works('what the mempool refuses is told in codes that ethers knows', async () => {
  const poor = stranger()
  await assert.rejects(poor.sendTransaction({ to: owner.address, value: 1n }), refused('INSUFFICIENT_FUNDS'))
  await assert.rejects(owner.sendTransaction({ to: owner.address, nonce: 0 }), refused('NONCE_EXPIRED'))
  const wallet = await funded()
  const { gasPrice } = await provider.getFeeData()
  const waits = { to: owner.address, nonce: 5, gasLimit: 21_000n, gasPrice: gasPrice * 3n }
  await wallet.sendTransaction(waits)
  await assert.rejects(wallet.sendTransaction({ ...waits, value: 1n }), refused('REPLACEMENT_UNDERPRICED'))
})

works('a transaction that waits is replaced, and who waits for it learns it', async () => {
  const wallet = await funded()
  const fees = { maxFeePerGas: parseUnits('5', 'gwei'), maxPriorityFeePerGas: 1n, gasLimit: 21_000n }
  const [to, other] = [stranger().address, stranger().address]
  const first = await wallet.sendTransaction({ ...fees, to, value: 1n, nonce: 1 })
  const waiting = assert.rejects(first.wait(), refused('TRANSACTION_REPLACED', (why) => assert.equal(why.reason, 'replaced')))
  const better = { ...fees, maxFeePerGas: fees.maxFeePerGas * 2n, maxPriorityFeePerGas: parseUnits('1', 'gwei') }
  const second = await wallet.sendTransaction({ ...better, to: other, value: 2n, nonce: 1 })
  await settled(wallet.sendTransaction({ ...fees, to, value: 3n, nonce: 0 }))
  await settled(second)
  await waiting
  assert.deepEqual([await provider.getBalance(to), await provider.getBalance(other)], [3n, 2n])
  assert.equal(await provider.getTransaction(first.hash), null)
})

works('a burst of one sender runs in order', async () => {
  const many = new NonceManager(await funded())
  const to = stranger().address
  const sent = []
  for (let at = 1n; at <= 20n; at++) sent.push(await many.sendTransaction({ to, value: at, gasLimit: 21_000n }))
  const receipts = await Promise.all(sent.map((one) => one.wait()))
  const places = receipts.map(({ blockNumber, index }) => blockNumber * 1_000 + index)
  assert.deepEqual(places, [...places].sort((a, b) => a - b))
  assert.equal(await provider.getBalance(to), 210n)
})

works('an account runs a contract’s code by EIP-7702, and stops', async () => {
  const wallet = await funded()
  const target = await probe.getAddress()
  const fees = { gasLimit: 200_000n }
  const delegation = await wallet.authorize({ address: target, nonce: 1 })
  const on = await settled(wallet.sendTransaction({ ...fees, type: 4, to: wallet.address, authorizationList: [delegation] }))
  assert.equal(on.type, 4)
  assert.equal((await provider.getCode(wallet.address)).toLowerCase(), `0xef0100${target.slice(2).toLowerCase()}`)
  await settled(new Contract(wallet.address, probeCode.abi, owner).note(77n, 'delegated'))
  assert.equal(BigInt(await provider.getStorage(wallet.address, 0)), 77n)
  const nothing = await wallet.authorize({ address: ZeroAddress, nonce: 3 })
  await settled(wallet.sendTransaction({ ...fees, type: 4, to: wallet.address, authorizationList: [nothing] }))
  assert.equal(await provider.getCode(wallet.address), '0x')
})

works('gas is estimated for a transaction with an authorization', async () => {
  const wallet = await funded()
  const authorizationList = [await wallet.authorize({ address: await probe.getAddress(), nonce: 1 })]
  await settled(wallet.sendTransaction({ type: 4, to: wallet.address, authorizationList }))
})

works('events are found by filter, topics and block', async () => {
  const first = await settled(probe.note(31n, 'a'))
  const last = await settled(probe.note(32n, 'b'))
  const { filters } = probe
  const of = async (filter) => (await probe.queryFilter(filter, first.blockNumber, last.blockNumber)).map(({ args }) => args.note)
  assert.deepEqual(await of(filters.Noted()), ['a', 'b'])
  assert.deepEqual(await of(filters.Noted(null, 32n)), ['b'])
  assert.deepEqual(await of(filters.Noted(owner, [31n, 32n])), ['a', 'b'])
  assert.deepEqual(await of(filters.Noted(stranger().address)), [])
  const [log] = await provider.getLogs({ blockHash: last.blockHash, address: await probe.getAddress() })
  assert.deepEqual([log.transactionHash, log.index], [last.hash, last.logs[0].index])
})

works('events are told over HTTP, by polling', async () => {
  const told = []
  await probe.on('Noted', (by, number, note) => told.push([by, number, note]))
  await settled(probe.note(41n, 'polled'))
  await until('the event', () => told.length > 0)
  await probe.off('Noted')
  assert.deepEqual(told, [[owner.address, 41n, 'polled']])
})

works('blocks, transactions and events are told over a WebSocket', async () => {
  const [blocks, pending, events] = [[], [], []]
  const watched = probe.connect(socket)
  await socket.on('block', (number) => blocks.push(number))
  await socket.on('pending', (hash) => pending.push(hash))
  await watched.on('Noted', (by, number) => events.push(number))
  await until('a block', () => blocks.length > 0)
  const { hash } = await settled(probe.note(51n, 'told'))
  await until('the event', () => events.length > 0 && pending.includes(hash))
  await socket.removeAllListeners()
  await watched.removeAllListeners()
  assert.deepEqual(events, [51n])
  blocks.forEach((number, at) => assert.equal(number, blocks[0] + at))
})

works('a whole life over a WebSocket: send, wait, read', async () => {
  const wallet = owner.connect(socket)
  const to = stranger().address
  await settled(wallet.sendTransaction({ to, value: 9n }))
  assert.equal(await socket.getBalance(to), 9n)
})

works('a batch of a hundred questions is answered one by one', async () => {
  const before = await provider.getBlockNumber()
  const asked = Array.from({ length: 100 }, (_, at) => provider.getBlock(at % (before + 1)))
  const answers = await Promise.all(asked)
  answers.forEach(({ number }, at) => assert.equal(number, at % (before + 1)))
})

works('raw transactions and a plain interface work without a signer', async () => {
  const wallet = await funded()
  const network = await provider.getNetwork()
  const fees = await provider.getFeeData()
  const raw = await wallet.signTransaction({
    type: 2, chainId: network.chainId, nonce: 0, to: wallet.address, value: 0n, gasLimit: 60_000n,
    maxFeePerGas: fees.maxFeePerGas * 2n, maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
  })
  await settled(provider.broadcastTransaction(raw))
  assert.equal(await provider.send('eth_getRawTransactionByHash', [Transaction.from(raw).hash]), raw)
  const plain = new Interface(['function sender() view returns (address)'])
  const data = plain.encodeFunctionData('sender')
  const answer = await provider.call({ from: wallet.address, to: await probe.getAddress(), data })
  assert.equal(plain.decodeFunctionResult('sender', answer)[0], wallet.address)
})

works('several nodes give one answer', async (t) => {
  if (urls.length < 2) return t.skip('one node was named')
  const each = urls.map((one) => new JsonRpcProvider(one))
  const { blockNumber } = await settled(probe.note(61n, 'everywhere'))
  for (const one of each) await until('the block', async () => (await one.getBlockNumber()) >= blockNumber)
  const all = new FallbackProvider(each, undefined, { quorum: urls.length })
  assert.equal(await probe.connect(all).number(), 61n)
  assert.equal((await all.getBlock(blockNumber)).number, blockNumber)
  await all.destroy()
  each.forEach((one) => one.destroy())
})

works('a client version is told', async () => {
  assert.match(await provider.send('web3_clientVersion', []), /\w/)
})
