#include "apps/salus/eavesdropper.h"

#include <fmt/format.h>

#include <algorithm>

#include "aggregate/peer_transcript.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

constexpr std::size_t kShownBytes = 24;
// Random bytes hold no given piece of this length.
constexpr std::size_t kPieceBytes = 16;

// Heard is what TLS shows of itself: the records, and what is in the first ones.
struct Heard {
  std::size_t connections = 0;
  std::size_t bytes = 0;
  std::size_t hellos = 0;   // handshake in the clear: random numbers and key shares
  std::size_t records = 0;  // sealed ones
  std::size_t other = 0;    // the compatibility record, alerts
};

void CountRecords(ByteSpan bytes, Heard& heard) {
  constexpr std::size_t kHeader = 5;
  while (bytes.size() >= kHeader) {
    const std::size_t size = std::size_t{bytes[3]} << 8 | bytes[4];
    std::size_t& kind = bytes[0] == 23   ? heard.records
                        : bytes[0] == 22 ? heard.hellos
                                         : heard.other;
    ++kind;
    if (bytes.size() - kHeader < size) return;
    bytes = bytes.subspan(kHeader + size);
  }
}

Heard CountAll(const DemoRun& run) {
  Heard out;
  out.connections = run.captured.size();
  for (const Captured& one : run.captured) {
    out.bytes += one.from_client.size() + one.from_server.size();
    CountRecords(one.from_client, out);
    CountRecords(one.from_server, out);
  }
  return out;
}

bool Holds(ByteSpan all, ByteSpan piece) {
  return !piece.empty() && std::ranges::search(all, piece).begin() != all.end();
}

bool HeardAny(const DemoRun& run, ByteSpan piece) {
  return std::ranges::any_of(run.captured, [&](const Captured& one) {
    return Holds(one.from_client, piece) || Holds(one.from_server, piece);
  });
}

// The last record that the first person sent: the sum of its shares, sealed by TLS.
std::string Sample(const DemoRun& run) {
  if (run.captured.empty() || run.captured.front().from_client.size() < kShownBytes) return "";
  const ByteSpan all = run.captured.front().from_client;
  return codec::HexEncode(all.last(kShownBytes));
}

}  // namespace

std::string EavesdropperText(const DemoRun& run) {
  const Heard heard = CountAll(run);
  std::string out = fmt::format(
      "  {} connections, {} bytes, such as ...{}\n"
      "  To be read in them: {} greetings of TLS (random numbers and one-time keys), and of {}\n"
      "  sealed records how long they are, and when they went. So: who talked to the hospital, "
      "and\n"
      "  how much.\n",
      heard.connections, heard.bytes, Sample(run), heard.hellos, heard.records);
  const Result<void> nothing = CheckHeardNothing(run);
  return out + (nothing ? "  Searched for every name, the roster and each message of the session: "
                          "nothing stands there.\n"
                        : "  " + nothing.error().message + "\n");
}

codec::JsonObject EavesdropperJson(const DemoRun& run) {
  const Heard heard = CountAll(run);
  return {{"connections", heard.connections},
          {"bytes", heard.bytes},
          {"sealed_records", heard.records},
          {"heard_nothing", CheckHeardNothing(run).has_value()}};
}

Result<void> CheckHeardNothing(const DemoRun& run) {
  if (CountAll(run).records == 0) return VerificationFailed("nothing was captured");
  for (const DemoPerson& person : run.people) {
    if (person.name.size() > 3 && HeardAny(run, AsBytes(person.name))) {
      return VerificationFailed("a name stands in what was captured: " + person.name);
    }
  }
  if (HeardAny(run, AsBytes(run.roster->fields().title))) {
    return VerificationFailed("the roster stands in what was captured");
  }
  TRY(const std::vector<ByteSpan> items, aggregate::ReadTranscript(run.host.transcript));
  for (const ByteSpan item : items) {
    // From the middle, where its signature or a share is.
    if (item.size() < 2 * kPieceBytes) continue;
    if (HeardAny(run, item.subspan(item.size() / 2, kPieceBytes))) {
      return VerificationFailed("a message of the session stands in what was captured");
    }
  }
  return {};
}

}  // namespace salus::cli
