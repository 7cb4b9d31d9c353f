pragma circom 2.1.6;

/// @title   ReLU by sign and magnitude
/// @notice  in = active ? magnitude + 1 : -magnitude, that is in = active + 2 excess - magnitude; max(in, 0) = active + excess; its derivative is `active`
/// @param   limbs       limbs of the magnitude
/// @input   active      untrusted: constrained to 0 or 1 here
/// @input   limb        bytes of the magnitude, least significant first. ASSUMED in [0, 256): the CALLER MUST look them up
/// @output  excess      active magnitude. The sums above are left to the caller, where they cost no wire.
///                      `in` has exactly one (active, magnitude) in (-2^(8 limbs), 2^(8 limbs)], so all of them are determined by `in`
/// @soundness no `<--`. A negative number cannot be active and a positive one cannot be inactive: magnitude would be negative.
/// @edge    0 is inactive with magnitude 0, and there is no other 0: active 0 would be magnitude -1. The derivative at 0 is 0.
/// @cost    2 non-linear
/// @source  the known flaw is a sign taken from bits that have an alias (ReLU(5) = 0): test/soundness/training-step.test.ts keeps it
template Relu(limbs) {
    signal input active;
    signal input limb[limbs];
    signal output excess;

    active * (active - 1) === 0;
    var magnitude = 0;
    for (var s = 0; s < limbs; s++) {
        magnitude += limb[s] * (1 << (8 * s));
    }
    excess <== active * magnitude;
}
