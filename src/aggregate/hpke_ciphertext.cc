#include "aggregate/hpke_ciphertext.h"

#include "aggregate/dap_wire.h"

namespace salus::aggregate {

Result<HpkeCiphertext> ReadCiphertext(DapReader& in) {
  HpkeCiphertext ciphertext;
  TRY(ciphertext.config_id, in.U8("config_id"));
  TRY(const ByteSpan enc, in.Vector<std::uint16_t>("enc", 1));
  TRY(const ByteSpan payload, in.Vector<std::uint32_t>("payload", 1));
  ciphertext.enc = ToBytes(enc);
  ciphertext.payload = ToBytes(payload);
  return ciphertext;
}

void WriteCiphertext(DapWriter& out, const HpkeCiphertext& ciphertext) {
  out.U8(ciphertext.config_id);
  out.Vector<std::uint16_t>(ciphertext.enc, 1);
  out.Vector<std::uint32_t>(ciphertext.payload, 1);
}

Result<HpkeCiphertext> HpkeCiphertext::Parse(ByteSpan bytes) {
  return ParseWhole("HpkeCiphertext", bytes, ReadCiphertext);
}

Bytes HpkeCiphertext::Encode() const {
  DapWriter out;
  WriteCiphertext(out, *this);
  return std::move(out).Take();
}

}  // namespace salus::aggregate
