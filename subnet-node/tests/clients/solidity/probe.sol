// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.24;

/// Does what a client may ask of a contract: stores, pays, logs, fails in each way, checks a signature.
contract Probe {
    /// Slot 0.
    uint256 public number;
    mapping(address account => uint256) public paid;
    /// Whose signatures are valid for this contract.
    address public immutable owner = msg.sender;

    event Noted(address indexed by, uint256 indexed number, string note);

    error Refused(address who, uint256 number);

    receive() external payable {
        paid[msg.sender] += msg.value;
    }

    function note(uint256 newNumber, string calldata text) external {
        number = newNumber;
        emit Noted(msg.sender, newNumber, text);
    }

    function withdraw() external {
        uint256 amount = paid[msg.sender];
        paid[msg.sender] = 0;
        payable(msg.sender).transfer(amount);
    }

    function refuse() external view {
        revert Refused(msg.sender, number);
    }

    function revertWithReason() external pure {
        revert("the reason");
    }

    function overflow(uint256 by) external pure returns (uint256) {
        return type(uint256).max + by;
    }

    function burnAllGas() external pure {
        while (true) {}
    }

    function sender() external view returns (address) {
        return msg.sender;
    }

    function balanceOf(address account) external view returns (uint256) {
        return account.balance;
    }

    /// ERC-1271.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        address signer = ecrecover(hash, uint8(signature[64]), r, s);
        return signer == owner ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}
