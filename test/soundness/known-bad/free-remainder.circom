pragma circom 2.1.6;

/// @title  KNOWN BAD: floor division whose remainder is bounded by `assert` alone
/// @notice `assert` runs in the witness program and leaves no constraint: any quotient has a remainder that fits. A widely used circom library scales its dense
///         layers like this and accepts 999999 for 1000.
template FreeRemainder() {
    signal input numerator;
    signal input divisor;
    signal output quotient;
    signal remainder;

    quotient <-- numerator \ divisor;
    remainder <-- numerator % divisor;
    assert(remainder < divisor);
    numerator - remainder === quotient * divisor;
}
