// Witness requests and answers: what parses is written back exactly.
#include "base/check.h"
#include "tlog/witness_request.h"

namespace salus::tlog {
namespace {

void CheckOne(std::string_view text) {
  if (const auto request = AddCheckpointRequest::Parse(text)) CHECK(request->ToText() == text);
  if (const auto size = ParseTreeSizeBody(text)) CHECK(TreeSizeBody(*size) == text);
  if (const auto signatures = ParseSignatureLines(text)) {
    std::string lines;
    for (const NoteSignature& signature : *signatures) lines += signature.Line();
    CHECK(lines == text);
  }
}

}  // namespace
}  // namespace salus::tlog

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::tlog::CheckOne(salus::AsText({data, size}));
  return 0;
}
