pragma circom 2.1.6;

/// @title   Strict floor division
/// @notice  numerator = quotient divisor + remainder, 0 <= remainder < divisor
/// @input   numerator, divisor, quotient, remainder   ASSUMED non-negative with quotient divisor + remainder < r; quotient and remainder
///          ASSUMED range-checked by the caller
/// @output  gap = divisor - 1 - remainder: the CALLER MUST range-check it to be non-negative; without that the quotient is free
/// @output  quotient and remainder are then unique; divisor 0 has no witness
/// @soundness no `<--`
/// @cost    1 non-linear
/// @source  the known flaw is a remainder that is only asserted: test/soundness keeps it
template FloorDivision() {
    signal input numerator;
    signal input divisor;
    signal input quotient;
    signal input remainder;
    signal output gap;

    numerator - remainder === quotient * divisor;
    gap <== divisor - 1 - remainder;
}
