pragma circom 2.1.6;

include "gadgets/lookup.circom";
include "gadgets/sponge.circom";

/// @title  KNOWN BAD: bytes under a lookup whose challenge hashes only their packed sum
/// @notice The sum of packed bytes has many openings until the bytes are range-checked, and the range check needs the challenge.
///         Once the challenge is known, two bytes can be traded: same packed sum, same sum of inverses, no bytes. See packed-transcript.test.ts.
template PackedTranscript() {
    signal input byte[2];
    signal input multiplicity[256];
    signal output packed;

    packed <== byte[0] + 256 * byte[1];

    component transcript = Sponge(1, 257);
    transcript.in[0] <== packed;
    for (var j = 0; j < 256; j++) {
        transcript.in[1 + j] <== multiplicity[j];
    }

    component range = RangeLookup(2, 8);
    range.in <== byte;
    range.multiplicity <== multiplicity;
    range.challenge <== transcript.out;
}
