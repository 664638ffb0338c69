// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// Behind a proxy: its owner may put another code there.
contract Gate is Initializable, UUPSUpgradeable {
    address public keeper;
    uint256 public level;

    function open(address newKeeper, uint256 newLevel) external initializer {
        (keeper, level) = (newKeeper, newLevel);
    }

    function version() external pure virtual returns (uint256) {
        return 1;
    }

    function _authorizeUpgrade(address) internal view override {
        require(msg.sender == keeper, "not the keeper");
    }
}

contract WiderGate is Gate {
    function version() external pure override returns (uint256) {
        return 2;
    }
}

/// Hardhat makes an artifact of what is used here.
contract GateProxy is ERC1967Proxy {
    constructor(address code, bytes memory call) ERC1967Proxy(code, call) {}
}

/// Makes many contracts out of one, and at addresses that are known before.
contract Yard is Ownable2Step {
    event Made(address gate);

    constructor() Ownable(msg.sender) {}

    function clone(address gate, bytes32 salt) external onlyOwner {
        emit Made(Clones.cloneDeterministic(gate, salt));
    }

    function cloneAddress(address gate, bytes32 salt) external view returns (address) {
        return Clones.predictDeterministicAddress(gate, salt);
    }

    function make(bytes32 salt) external {
        emit Made(Create2.deploy(0, salt, type(Gate).creationCode));
    }

    function madeAddress(bytes32 salt) external view returns (address) {
        return Create2.computeAddress(salt, keccak256(type(Gate).creationCode));
    }
}

/// Pays out, and is called back while it does.
contract Mill is ReentrancyGuardTransient {
    receive() external payable {}

    function grind(address payable to) external nonReentrant {
        (bool paid,) = to.call{value: address(this).balance}("");
        require(paid, "not paid");
    }
}

/// Comes back while it is paid.
contract Eddy {
    receive() external payable {
        Mill(payable(msg.sender)).grind(payable(address(this)));
    }
}
