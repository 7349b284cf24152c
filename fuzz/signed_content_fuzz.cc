// An opened payload with a trailer: what comes out is what went in without its trailer, and only
// where the signer named this opener; however the payload is cut into pieces.
#include <cstdint>

#include "base/check.h"
#include "seal/signed_content.h"

namespace {

struct Outcome {
  bool holds = false;
  salus::Bytes content;
};

Outcome Read(salus::ByteSpan payload, std::size_t piece, const salus::seal::OpenedFile& opened) {
  salus::seal::MemorySink sink;
  salus::seal::SignedContentReader reader(sink);
  while (!payload.empty()) {
    const std::size_t size = piece < payload.size() ? piece : payload.size();
    CHECK(reader.Write(payload.first(size)).has_value());
    payload = payload.subspan(size);
  }
  const auto signature = reader.Finish(opened);
  if (!signature) CHECK(signature.error().code == salus::ErrorCode::kVerificationFailed);
  return {signature.has_value(), sink.bytes()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const salus::ByteSpan payload{data, size};
  const Outcome whole = Read(payload, size + 1, {"bob", 1});
  const Outcome cut = Read(payload, 7, {"bob", 1});
  CHECK(whole.holds == cut.holds);
  if (!whole.holds) return 0;
  CHECK(salus::Equal(whole.content, cut.content));
  CHECK(whole.content.size() < size &&
        salus::Equal(whole.content, payload.first(whole.content.size())));
  CHECK(!Read(payload, size + 1, {"eve", 1}).holds);
  CHECK(!Read(payload, size + 1, {"bob", 2}).holds);
  CHECK(!Read(payload, size + 1, {"bob", 1, salus::seal::Holds::kFolder}).holds);
  return 0;
}
