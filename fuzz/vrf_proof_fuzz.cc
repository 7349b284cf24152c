// A proof has one encoding: of all inputs only the prover's own 80 bytes verify, and whatever
// verifies has the output that ProofToHash gives.
#include "base/check.h"
#include "base/random.h"
#include "crypto/vrf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::crypto::ProofToHash;
  using salus::crypto::VrfPrivateKey;
  using salus::crypto::VrfProof;
  using salus::crypto::VrfPublicKey;
  static const VrfPrivateKey key = [] {
    salus::SeededRandom random(1);
    return VrfPrivateKey::Generate(random);
  }();
  static const VrfProof good = key.Prove({});
  const salus::ByteSpan input(data, size);
  const auto proof = VrfProof::FromBytes(input);
  CHECK(proof.has_value() == (size == 80));
  (void)VrfPublicKey::FromBytes(input);
  if (!proof.has_value()) return 0;
  const auto decoded = ProofToHash(*proof);
  const auto verified = key.public_key().Verify({}, *proof);
  CHECK(verified.has_value() == (*proof == good));
  if (verified.has_value()) CHECK(decoded.has_value() && *decoded == *verified);

  // The same bytes as a difference from the good proof, so that the fuzzer starts near it.
  VrfProof near = good;
  for (std::size_t i = 0; i < near.bytes.size(); ++i) near.bytes[i] ^= proof->bytes[i];
  CHECK(key.public_key().Verify({}, near).has_value() == (near == good));
  return 0;
}
