// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.20;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// A constant-product pool of two coins with a fee of 0.3 %, as Uniswap's second version has it: the coin that comes in is taken from the
/// trader, the other one is sent, and both reserves lie in one slot that every swap writes. No shares: who syncs it gives to the pool.
contract Pool {
    IERC20 private immutable first;
    IERC20 private immutable second;
    uint112 private firstReserve;
    uint112 private secondReserve;

    event Swap(address indexed trader, bool isFirst, uint256 paid, uint256 got);

    constructor(IERC20 first_, IERC20 second_) {
        (first, second) = (first_, second_);
    }

    function swap(bool isFirst, uint256 paid, uint256 least) external returns (uint256 got) {
        (uint256 here, uint256 there) = isFirst ? (firstReserve, secondReserve) : (secondReserve, firstReserve);
        (IERC20 coin, IERC20 other) = isFirst ? (first, second) : (second, first);
        uint256 counted = paid * 997;
        got = counted * there / (here * 1000 + counted);
        require(got > 0 && got >= least, "too little for it");
        require(coin.transferFrom(msg.sender, address(this), paid), "not paid");
        require(other.transfer(msg.sender, got), "not sent");
        keep(isFirst ? here + paid : there - got, isFirst ? there - got : here + paid);
        emit Swap(msg.sender, isFirst, paid, got);
    }

    function sync() external {
        keep(first.balanceOf(address(this)), second.balanceOf(address(this)));
    }

    function keep(uint256 firstNow, uint256 secondNow) private {
        require(firstNow <= type(uint112).max && secondNow <= type(uint112).max, "too much for a slot");
        (firstReserve, secondReserve) = (uint112(firstNow), uint112(secondNow));
    }
}
