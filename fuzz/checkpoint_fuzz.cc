// Checkpoint bodies: what parses is written back exactly.
#include "base/check.h"
#include "tlog/checkpoint.h"

namespace salus::tlog {
namespace {

void CheckOne(std::string_view text) {
  if (const auto checkpoint = Checkpoint::Parse(text)) {
    CHECK(checkpoint->Body() == text);
    CHECK(!checkpoint->origin.empty() && checkpoint->size <= merkle::kMaxTreeSize);
  }
  if (const auto signed_checkpoint = SignedCheckpoint::Parse(text)) {
    CHECK(signed_checkpoint->checkpoint.Body() == signed_checkpoint->note.text());
  }
}

}  // namespace
}  // namespace salus::tlog

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::tlog::CheckOne(salus::AsText({data, size}));
  return 0;
}
