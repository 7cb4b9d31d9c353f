// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Quantities that halve every 90 days, in integers
/// @notice Time is cut into periods of {LENGTH} from Unix time 0. A quantity is kept as a signed number of 2^-64 units, as large as it was (or would
/// have been) at the beginning of a period. Then it moves to another period by a division by a power of two, and quantities of different
/// times add up in any order: all that is lost is what lies below 2^-64 units at each division. `ledger/half-life.ts` is the same in bigint.
library HalfLife {
    uint256 internal constant LENGTH = 90 days;
    /// @dev floor(ln 2 * 2^64)
    uint256 private constant LN2 = 12_786_308_645_202_655_659;

    /// @notice 2^(`fraction` / 2^64) * 2^64, rounded down, and off by less than 64: sum of y^k / k! for y = fraction ln 2.
    /// @param fraction below 2^64
    /// @return result at least 2^64 and below 2^65
    function growth(uint256 fraction) internal pure returns (uint256 result) {
        // fraction < 2^64, so y < 2^64 and every term < 2^64.
        unchecked {
            uint256 y = (fraction * LN2) >> 64;
            uint256 term = 1 << 64;
            result = term;
            for (uint256 k = 1; ; ++k) {
                term = ((term * y) >> 64) / k;
                if (term == 0) return result;
                result += term;
            }
        }
    }

    /// @notice The period of a second, and how far into it that is: 2^64 would be its end.
    function place(uint256 time) internal pure returns (uint256 period, uint256 fraction) {
        return (time / LENGTH, ((time % LENGTH) << 64) / LENGTH);
    }

    /// @notice What is left of a quantity `periods` later; towards zero.
    function later(int256 quantity, uint256 periods) internal pure returns (int256) {
        return periods > 254 ? int256(0) : quantity / int256(1 << periods);
    }
}
