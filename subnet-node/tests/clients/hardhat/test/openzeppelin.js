// OpenZeppelin's contracts on a subnet, deployed and tested as Hardhat's users do. Every case runs on the network itself.
//
//   RPC_URL=http://127.0.0.1:8545 PRIVATE_KEY=0x… npm test
const { expect } = require('chai')
const { ethers } = require('hardhat')

const MINUTES = 60
const deploy = async (name, ...args) => (await ethers.deployContract(name, args)).waitForDeployment()
// Hardhat's matchers for events ask for the receipt at once, as they may where a transaction is its own block.
const mined = async (sending) => {
  const sent = await sending
  await sent.wait()
  return sent
}

describe('a subnet in Hardhat', () => {
  let owner, friend, third

  before(async () => {
    ;[owner, friend, third] = await ethers.getSigners()
    const value = ethers.parseEther('10')
    for (const { address } of [friend, third]) await mined(owner.sendTransaction({ to: address, value }))
  })

  describe('ERC-20 with roles, pause and permit', () => {
    let water

    before(async () => {
      water = await deploy('Water')
      await mined(water.grantRole(await water.SPRING(), owner))
      await mined(water.spring(owner, 1_000n))
    })

    it('moves tokens and tells it', async () => {
      const moved = mined(water.transfer(friend, 400n))
      await expect(moved).to.changeTokenBalances(water, [owner, friend], [-400n, 400n])
      await expect(moved).to.emit(water, 'Transfer').withArgs(owner, friend, 400n)
    })

    it('refuses what it should in its own words', async () => {
      await expect(water.connect(third).transfer(owner, 1n))
        .to.be.revertedWithCustomError(water, 'ERC20InsufficientBalance')
        .withArgs(third, 0n, 1n)
      await expect(water.connect(friend).spring(friend, 1n)).to.be.revertedWithCustomError(water, 'AccessControlUnauthorizedAccount')
    })

    it('stands still while it is frozen', async () => {
      await expect(mined(water.freeze(true))).to.emit(water, 'Paused')
      await expect(water.transfer(friend, 1n)).to.be.revertedWithCustomError(water, 'EnforcedPause')
      await mined(water.freeze(false))
      await expect(water.burn(10n)).to.changeTokenBalance(water, owner, -10n)
    })

    it('takes an approval that was signed', async () => {
      const { chainId } = await ethers.provider.getNetwork()
      const { timestamp } = await ethers.provider.getBlock('latest')
      const permit = { owner: owner.address, spender: friend.address, value: 5n, nonce: await water.nonces(owner), deadline: timestamp + 60 * MINUTES }
      const domain = { name: 'Water', version: '1', chainId, verifyingContract: await water.getAddress() }
      const types = { Permit: ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline'].map((field) => {
        const [type, name] = field.split(' ')
        return { name, type }
      }) }
      const { v, r, s } = ethers.Signature.from(await owner.signTypedData(domain, types, permit))
      const send = () => water.connect(friend).permit(owner, friend, 5n, permit.deadline, v, r, s)
      await mined(send())
      expect(await water.allowance(owner, friend)).to.equal(5n)
      await expect(send()).to.be.revertedWithCustomError(water, 'ERC2612InvalidSigner')
      await expect(water.connect(friend).transferFrom(owner, third, 5n)).to.changeTokenBalances(water, [owner, third], [-5n, 5n])
    })

    it('fills a lake whose shares it pays for', async () => {
      const lake = await deploy('Lake', water)
      await mined(water.approve(lake, 100n))
      await expect(lake.deposit(100n, owner)).to.changeTokenBalance(lake, owner, 100n)
      await mined(water.transfer(lake, 100n))
      expect(await lake.previewRedeem(50n)).to.be.closeTo(100n, 1n)
      await expect(mined(lake.redeem(50n, friend, owner))).to.emit(lake, 'Withdraw')
    })
  })

  it('ERC-721: tokens have an owner each, and contracts that cannot hold them are spared', async () => {
    const bridges = await deploy('Bridges')
    await expect(mined(bridges.build('stone'))).to.emit(bridges, 'Transfer').withArgs(ethers.ZeroAddress, owner, 1n)
    expect(await bridges.tokenURI(1n)).to.equal('stone')
    await mined(bridges.approve(friend, 1n))
    await mined(bridges.connect(friend).transferFrom(owner, third, 1n))
    expect(await bridges.ownerOf(1n)).to.equal(third.address)
    const safe = bridges.connect(third)['safeTransferFrom(address,address,uint256)'](third, bridges, 1n)
    await expect(safe).to.be.revertedWithCustomError(bridges, 'ERC721InvalidReceiver')
    await expect(bridges.ownerOf(2n)).to.be.revertedWithCustomError(bridges, 'ERC721NonexistentToken')
  })

  it('ERC-1155: batches move at once', async () => {
    const fish = await deploy('Fish')
    await mined(fish.hatch([1n, 2n, 3n], [10n, 20n, 30n]))
    await mined(fish.safeBatchTransferFrom(owner, friend, [1n, 3n], [4n, 5n], '0x'))
    expect(await fish.balanceOfBatch([friend, friend, owner], [1n, 3n, 2n])).to.deep.equal([4n, 5n, 20n])
  })

  it('ERC-1967: a proxy keeps its state while its code changes', async () => {
    const [first, second] = [await deploy('Gate'), await deploy('WiderGate')]
    const opening = first.interface.encodeFunctionData('open', [owner.address, 7n])
    const proxy = await deploy('GateProxy', first, opening)
    const gate = await ethers.getContractAt('Gate', proxy)
    expect([await gate.version(), await gate.level()]).to.deep.equal([1n, 7n])
    await expect(gate.open(friend, 1n)).to.be.revertedWithCustomError(gate, 'InvalidInitialization')
    await expect(gate.connect(friend).upgradeToAndCall(second, '0x')).to.be.revertedWith('not the keeper')
    await expect(mined(gate.upgradeToAndCall(second, '0x'))).to.emit(gate, 'Upgraded').withArgs(second)
    expect([await gate.version(), await gate.level()]).to.deep.equal([2n, 7n])
    const slot = BigInt(ethers.id('eip1967.proxy.implementation')) - 1n
    expect(BigInt(await ethers.provider.getStorage(proxy, slot))).to.equal(BigInt(await second.getAddress()))
  })

  it('CREATE2 and EIP-1167: contracts are where they were said to be', async () => {
    const [yard, gate] = [await deploy('Yard'), await deploy('Gate')]
    const salt = ethers.id('salt')
    const [made, cloned] = [await yard.madeAddress(salt), await yard.cloneAddress(gate, salt)]
    await expect(mined(yard.make(salt))).to.emit(yard, 'Made').withArgs(made)
    await expect(mined(yard.clone(gate, salt))).to.emit(yard, 'Made').withArgs(cloned)
    expect(await (await ethers.getContractAt('Gate', made)).version()).to.equal(1n)
    expect(await (await ethers.getContractAt('Gate', cloned)).version()).to.equal(1n)
    await expect(yard.make(salt)).to.be.reverted
  })

  it('ownership moves in two steps', async () => {
    const yard = await deploy('Yard')
    await mined(yard.transferOwnership(friend))
    expect(await yard.owner()).to.equal(owner.address)
    await expect(yard.connect(third).acceptOwnership()).to.be.revertedWithCustomError(yard, 'OwnableUnauthorizedAccount')
    await expect(mined(yard.connect(friend).acceptOwnership())).to.emit(yard, 'OwnershipTransferred').withArgs(owner, friend)
  })

  it('transient storage guards against coming back (EIP-1153)', async () => {
    const [mill, eddy] = [await deploy('Mill'), await deploy('Eddy')]
    const value = ethers.parseEther('1')
    await mined(owner.sendTransaction({ to: mill, value }))
    await expect(mill.grind(eddy)).to.be.revertedWith('not paid')
    await expect(mill.grind(third)).to.changeEtherBalances([mill, third], [-value, value])
  })
})
