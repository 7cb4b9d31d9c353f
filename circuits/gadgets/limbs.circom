pragma circom 2.1.6;

/// Number of limbs of `limbBits` bits that hold `width` bits.
function limbCount(width, limbBits) {
    return (width + limbBits - 1) \ limbBits;
}

/// Values that one field element holds when packed: floor(252 / width).
function packedPer(width) {
    return 252 \ width;
}

/// Number of elements that hold `count` values of `width` bits.
function packedCount(count, width) {
    return (count + packedPer(width) - 1) \ packedPer(width);
}

/// Entries of the statistics: upper triangle of A, then B.
function entryCount(d, k) {
    return d * (d + 1) \ 2 + d * k;
}
