// A subnet as users of Foundry see it: `cast` question by question, `forge create`, `forge script --broadcast`, and tests on a fork.
//
//   RPC_URL=http://127.0.0.1:8545 PRIVATE_KEY=0x… npm test
//
// The programs come from npm. Where npm has none for the machine, those of the PATH are taken; where there are none, all cases are skipped.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { casesWith, privateKey, url, websocketUrl } from '../cases.mjs'

const works = casesWith({
  'cast proof': 'eth_getProof is refused: the state is no Merkle-Patricia tree, and subnet_getProof proves it',
})

const folder = new URL('.', import.meta.url).pathname
const require = createRequire(import.meta.url)

/** Where a program of Foundry is; undefined where there is none. */
function program(name) {
  const machine = `${process.platform}-${{ x64: 'amd64' }[process.arch] ?? process.arch}`
  const places = [() => require.resolve(`@foundry-rs/${name}-${machine}/bin/${name}`), () => name]
  for (const place of places)
    try {
      const path = place()
      execFileSync(path, ['--version'], { stdio: 'ignore' })
      return path
    } catch {}
}
const [castProgram, forgeProgram] = ['cast', 'forge'].map(program)

const runs = async (path, args, env = {}) => {
  const options = { cwd: folder, env: { ...process.env, ...env, NO_COLOR: '1', FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' }, maxBuffer: 64 << 20 }
  try {
    return (await promisify(execFile)(path, args, options)).stdout.trim()
  } catch (why) {
    throw new Error(`${args.slice(0, 2).join(' ')}: ${why.stderr || why.message}`)
  }
}
const cast = (...args) => runs(castProgram, [...args, '--rpc-url', url])
const plain = (...args) => runs(castProgram, args)
const asks = (name, run) => works(name, (t) => (castProgram && forgeProgram ? run(t) : t.skip('Foundry is not installed')))
const sends = async (...args) => JSON.parse(await cast('send', '--json', '--private-key', privateKey, ...args))

let owner, token, probe

asks('forge script --broadcast deploys and uses contracts', async () => {
  owner = await plain('wallet', 'address', '--private-key', privateKey)
  const said = await runs(forgeProgram, ['script', 'script/Deploy.s.sol', '--rpc-url', url, '--broadcast', '--slow', '--json'])
  const line = said.split('\n').map((one) => one.startsWith('{') && JSON.parse(one)).find((one) => one?.returns)
  ;[token, probe] = [line.returns.token.value, line.returns.probe.value]
  assert.equal(await cast('call', token, 'balanceOf(address)(uint256)', probe), '400')
  assert.equal(await cast('call', probe, 'number()(uint256)'), '21')
  assert.equal(await cast('balance', probe), '9')
})

asks('forge test runs on a fork of the network', async () => {
  const said = await runs(forgeProgram, ['test', '--fork-url', url, '--json'], { TOKEN: token, PROBE: probe })
  const [suite] = Object.values(JSON.parse(said.split('\n').find((line) => line.startsWith('{'))))
  assert.deepEqual(Object.values(suite.test_results).map(({ status }) => status), ['Success', 'Success'])
})

asks('forge create --broadcast', async () => {
  const made = JSON.parse(await runs(forgeProgram, ['create', '../solidity/token.sol:RiverToken', '--rpc-url', url, '--private-key', privateKey, '--broadcast', '--json', '--constructor-args', '77']))
  assert.equal(await cast('call', made.deployedTo, 'totalSupply()(uint256)'), '77')
})

asks('cast chain-id, client, block-number, gas-price, base-fee', async () => {
  assert.match(await cast('chain-id'), /^\d+$/)
  assert.match(await cast('client'), /\w/)
  assert(Number(await cast('block-number')) > 0)
  assert(Number(await cast('gas-price')) > 0)
  assert(Number(await cast('base-fee')) > 0)
})

asks('cast block, age, find-block', async () => {
  const block = JSON.parse(await cast('block', '--json'))
  assert.equal(await cast('block', block.hash, '--field', 'number'), String(Number(block.number)))
  for (const tag of ['earliest', 'safe', 'finalized']) assert.match(await cast('block', tag, '--field', 'hash'), /^0x/)
  assert.match(await cast('age', 'latest'), /\d/)
  const found = Number(await cast('find-block', String(Number(block.timestamp))))
  assert(found > 0 && found <= Number(block.number) + 1)
})

asks('cast send, receipt, tx', async () => {
  const receipt = await sends(probe, 'note(uint256,string)', '5', 'sent')
  assert.equal(receipt.status, '0x1')
  assert.equal(await cast('receipt', receipt.transactionHash, 'blockNumber'), String(Number(receipt.blockNumber)))
  assert.equal((await cast('tx', receipt.transactionHash, 'from')).toLowerCase(), owner.toLowerCase())
  const raw = await cast('tx', receipt.transactionHash, '--raw')
  assert.equal(await plain('keccak', raw), receipt.transactionHash)
})

asks('cast send of each type', async () => {
  const to = '0x00000000000000000000000000000000000000aa'
  const types = [await sends('--legacy', '--value', '1', to), await sends('--value', '1', to)]
  types.push(await sends('--value', '1', '--gas-limit', '40000', '--gas-price', '10gwei', '--priority-gas-price', '1', '--access-list', '[]', to))
  assert.deepEqual(types.slice(0, 2).map(({ type }) => type), ['0x0', '0x2'])
  types.forEach(({ status }) => assert.equal(status, '0x1'))
})

asks('cast mktx, publish', async () => {
  const raw = await cast('mktx', '--private-key', privateKey, '--value', '3', '0x00000000000000000000000000000000000000bb')
  assert.equal(JSON.parse(await cast('publish', raw)).status, '0x1')
})

asks('cast send --auth (EIP-7702)', async () => {
  const key = `0x${'7702'.padStart(64, '1')}`
  const delegate = await plain('wallet', 'address', '--private-key', key)
  const signed = await cast('wallet', 'sign-auth', probe, '--private-key', key)
  await sends(delegate, '--auth', signed, '--gas-limit', '200000')
  assert.equal(await cast('code', delegate), `0xef0100${probe.slice(2).toLowerCase()}`)
})

asks('cast balance, nonce, code, codesize, storage', async () => {
  assert(BigInt(await cast('balance', owner)) > 0n)
  assert(Number(await cast('nonce', owner)) > 0)
  assert.equal(Number(await cast('codesize', probe)), ((await cast('code', probe)).length - 2) / 2)
  await sends(probe, 'note(uint256,string)', '6', 'stored')
  assert.equal(BigInt(await cast('storage', probe, '0')), 6n)
})

asks('cast call of a block, of a failure, and traced', async () => {
  const { blockNumber } = await sends(probe, 'note(uint256,string)', '7', 'old')
  await sends(probe, 'note(uint256,string)', '8', 'new')
  assert.equal(await cast('call', probe, 'number()(uint256)', '--block', String(Number(blockNumber))), '7')
  await assert.rejects(cast('call', probe, 'revertWithReason()'), /the reason/)
  await assert.rejects(cast('call', probe, 'overflow(uint256)', '1'), /overflow/)
  assert.match(await cast('call', probe, 'number()(uint256)', '--trace'), /number|\[Return\]|Return/)
})

asks('cast estimate', async () => {
  assert.equal(await cast('estimate', '0x00000000000000000000000000000000000000cc', '--value', '1', '--from', owner), '21000')
  await assert.rejects(cast('estimate', probe, 'revertWithReason()'), /the reason/)
})

asks('cast logs', async () => {
  const { blockNumber, transactionHash } = await sends(probe, 'note(uint256,string)', '9', 'logged')
  const at = String(Number(blockNumber))
  const logs = JSON.parse(await cast('logs', '--json', '--from-block', at, '--to-block', at, '--address', probe, 'Noted(address indexed,uint256 indexed,string)'))
  assert.deepEqual(logs.map((log) => log.transactionHash), [transactionHash])
})

asks('cast run executes a transaction again', async () => {
  const { transactionHash } = await sends(probe, 'note(uint256,string)', '10', 'again')
  assert.match(await cast('run', transactionHash, '--quick'), /Transaction successfully executed/)
})

asks('cast over a WebSocket', async () => {
  assert(Number(await runs(castProgram, ['block-number', '--rpc-url', websocketUrl])) > 0)
})

asks('cast rpc of a method of the subnet’s own', async () => {
  assert(JSON.parse(await cast('rpc', 'subnet_status')).height > 0)
})

asks('cast access-list', async () => {
  assert.match(await cast('access-list', probe, 'number()'), new RegExp(probe.slice(2), 'i'))
})

asks('cast call with another state', async () => {
  const slot = `${probe}:0x0:0x63`
  assert.equal(await cast('call', probe, 'number()(uint256)', '--override-state-diff', slot), '99')
})

asks('cast proof', async () => {
  assert.equal(JSON.parse(await cast('proof', probe, '0x0')).address.toLowerCase(), probe.toLowerCase())
})

asks('cast estimate of a transaction with an access list', async () => {
  const list = JSON.stringify([{ address: probe, storageKeys: [] }])
  assert.equal(await cast('estimate', owner, '--access-list', list), '23400')
})

asks('cast rpc txpool_status', async () => {
  assert.equal(typeof JSON.parse(await cast('rpc', 'txpool_status')).pending, 'string')
})
