pragma circom 2.1.6;

include "sponge.circom";

/// Domain tag of the nodes of a tree of batches: the ASCII name as a big-endian integer.
function tagBatches() {
    return 9707710188899294556125081168313359645828467; // "openledger.batches"
}

/// @title   The root of a binary tree over one of its leaves
/// @notice  node_0 = leaf; node_{l+1} = H(tagBatches, l, left, right) with node_l on the right where bit_l = 1; root = node_levels
/// @param   levels        2^levels leaves, 1 to 32 (assert)
/// @input   leaf          untrusted field element
/// @input   sibling       untrusted field elements, the lowest first
/// @input   bit           position of the leaf, least significant first. ASSUMED 0 or 1: constrained by the caller
/// @output  root          unique; two different leaves at one position under one root are a collision of the hash
/// @soundness no `<--`. The level is hashed, so that a node is never taken for one of another level; leaves are hashes under another tag
/// @edge    equal siblings: both sides are the same value, and the bit is still the position's
/// @cost    610 non-linear a level
/// @source  Merkle: A certified digital signature (1989); PROTOCOL, section 3 for the hash
template MerkleRoot(levels) {
    assert(levels >= 1 && levels <= 32);

    signal input leaf;
    signal input sibling[levels];
    signal input bit[levels];
    signal output root;

    component node[levels];
    signal swap[levels];
    var below = leaf;
    for (var l = 0; l < levels; l++) {
        swap[l] <== bit[l] * (sibling[l] - below);
        node[l] = Sponge(tagBatches(), 3);
        node[l].in[0] <== l;
        node[l].in[1] <== below + swap[l];
        node[l].in[2] <== sibling[l] - swap[l];
        below = node[l].out;
    }
    root <== below;
}
