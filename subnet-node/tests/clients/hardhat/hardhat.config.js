// A subnet as a network of Hardhat. The compiler is solc-js from npm: nothing is downloaded from elsewhere.
const { subtask } = require('hardhat/config')
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names')
require('@nomicfoundation/hardhat-chai-matchers')
require('@nomicfoundation/hardhat-ethers')

const { RPC_URL, PRIVATE_KEY } = process.env
const solc = require('solc/package.json')

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: require.resolve('solc/soljson.js'),
  isSolcJs: true,
  version: solc.version,
  longVersion: require('solc').version(),
}))

module.exports = {
  solidity: { version: solc.version, settings: { evmVersion: 'prague', optimizer: { enabled: true, runs: 200 } } },
  networks: {
    subnet: {
      url: (RPC_URL ?? 'http://127.0.0.1:8545').split(',')[0],
      // The second and third get tokens from the first.
      accounts: PRIVATE_KEY ? [PRIVATE_KEY, `0x${'5a'.repeat(32)}`, `0x${'a5'.repeat(32)}`] : [],
    },
  },
  mocha: { reporter: 'tap', timeout: 60_000 },
}
