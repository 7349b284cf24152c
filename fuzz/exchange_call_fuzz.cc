// The payload of a message in a spool folder: what the server's side takes, the client's side reads
// alike, and what the client would write for it is the same call to the server.
#include <cstdint>

#include "api/exchange_call.h"
#include "base/check.h"
#include "client/exchange.h"

namespace salus::api {
namespace {

void CheckSame(const ExchangeCall& call, const client::Call& other) {
  CHECK(call.method == other.method && call.path == other.path && call.query == other.query);
  CHECK(call.content_type == other.content_type && Equal(call.body, AsBytes(other.body)));
}

void CheckOne(ByteSpan payload) {
  const Result<ExchangeCall> call = ExchangeCall::Parse(payload);
  if (!call) return;
  const Result<client::Call> read = client::DecodeCall(AsText(payload));
  CHECK(read.has_value());
  CheckSame(*call, *read);
  const std::string written = client::EncodeCall(*read);
  const Result<ExchangeCall> again = ExchangeCall::Parse(AsBytes(written));
  CHECK(again.has_value());
  CheckSame(*again, *read);
}

}  // namespace
}  // namespace salus::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::api::CheckOne({data, size});
  return 0;
}
