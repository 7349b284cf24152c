// Whatever is read as recipients, from text, PEM, DER or JSON, has a name, and its name is read as
// the same recipient.
#include "base/check.h"
#include "seal/recipient_source.h"
#include "seal/recipient_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr salus::Timestamp kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);
  const auto recipients =
      salus::seal::ParseRecipientsFile(salus::AsText(salus::ByteSpan(data, size)), kNow);
  if (!recipients) return 0;
  CHECK(!recipients->empty());
  for (const auto& recipient : *recipients) {
    const std::string name = recipient->Name();
    CHECK(salus::seal::IsRecipientText(name));
    const auto again = salus::seal::ParseRecipientText(name);
    CHECK(again.has_value());
    CHECK((*again)->Name() == name);
  }
  return 0;
}
