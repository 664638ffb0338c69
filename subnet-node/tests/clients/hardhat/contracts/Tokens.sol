// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Pausable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {ERC721, ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// A token with roles, a pause and signed approvals.
contract Water is ERC20Burnable, ERC20Pausable, ERC20Permit, AccessControl {
    bytes32 public constant SPRING = keccak256("SPRING");

    constructor() ERC20("Water", "H2O") ERC20Permit("Water") {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
    }

    function spring(address to, uint256 amount) external onlyRole(SPRING) {
        _mint(to, amount);
    }

    function freeze(bool frozen) external onlyRole(DEFAULT_ADMIN_ROLE) {
        frozen ? _pause() : _unpause();
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Pausable) {
        super._update(from, to, value);
    }
}

/// Shares of a lake of water.
contract Lake is ERC4626 {
    constructor(IERC20 water) ERC4626(water) ERC20("Lake", "LAKE") {}
}

/// A bridge each.
contract Bridges is ERC721URIStorage {
    uint256 private last;

    constructor() ERC721("Bridges", "BRG") {}

    function build(string calldata plan) external returns (uint256) {
        _safeMint(msg.sender, ++last);
        _setTokenURI(last, plan);
        return last;
    }
}

/// Many kinds of fish, many of each.
contract Fish is ERC1155 {
    constructor() ERC1155("ipfs://fish/{id}") {}

    function hatch(uint256[] calldata kinds, uint256[] calldata amounts) external {
        _mintBatch(msg.sender, kinds, amounts, "");
    }
}
