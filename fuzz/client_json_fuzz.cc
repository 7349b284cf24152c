// What the client reads from files and folders that others can write: what parses is written back
// as the same thing.
#include "base/check.h"
#include "client/exchange.h"
#include "client/kept_receipt.h"
#include "client/pinned_server.h"

namespace salus::client {
namespace {

void CheckOne(std::string_view text) {
  if (const auto receipt = KeptReceipt::Parse(text)) {
    const std::string line = receipt->ToLine();
    CHECK(KeptReceipt::Parse(line).value().ToLine() == line);
  }
  if (const auto call = DecodeCall(text)) {
    const std::string again = EncodeCall(*call);
    CHECK(EncodeCall(DecodeCall(again).value()) == again);
  }
  if (const auto answer = DecodeCallAnswer(text)) {
    const std::string again = EncodeCallAnswer(*answer);
    CHECK(EncodeCallAnswer(DecodeCallAnswer(again).value()) == again);
  }
  if (const auto server = PinnedServer::Parse("x", text)) {
    const std::string again = server->ToJson();
    CHECK(PinnedServer::Parse("x", again).value().ToJson() == again);
  }
}

}  // namespace
}  // namespace salus::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::client::CheckOne(salus::AsText({data, size}));
  return 0;
}
