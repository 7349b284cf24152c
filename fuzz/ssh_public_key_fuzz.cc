// A key has one wire form and one line. The first byte of the input chooses which of them it is.
#include "seal/ssh_public_key.h"

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const salus::ByteSpan input = salus::ByteSpan(data, size).subspan(1);
  const bool is_wire = data[0] % 2 == 0;
  const auto key = is_wire ? salus::seal::SshPublicKey::FromWire(input)
                           : salus::seal::SshPublicKey::ParseLine(salus::AsText(input));
  if (!key) return 0;
  if (is_wire) CHECK(salus::Equal(key->wire(), input));
  const auto again = salus::seal::SshPublicKey::ParseLine(key->ToText());
  CHECK(again.has_value());
  CHECK(again->wire() == key->wire());
  return 0;
}
