#include "apps/salus/eavesdropper.h"

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

#include "aggregate/peer_transcript.h"
#include "base/endian.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

constexpr std::size_t kShownBytes = 24;
// Random bytes hold no given piece of this length.
constexpr std::size_t kPieceBytes = 16;
// Stands before each name in a roster. A name of three letters alone is found by chance in so many
// bytes.
constexpr std::string_view kBeforeName = "\"name\":\"";

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

// PieceSearch looks for many pieces of kPieceBytes in one pass.
class PieceSearch {
 public:
  void Add(ByteSpan piece) {
    const ByteSpan first = piece.first(kPieceBytes);
    pieces_.emplace(KeyOf(first), first);
  }
  std::size_t size() const { return pieces_.size(); }
  bool FindsAny(ByteSpan all) const {
    for (; all.size() >= kPieceBytes; all = all.subspan(1)) {
      const auto [first, last] = pieces_.equal_range(KeyOf(all));
      for (auto piece = first; piece != last; ++piece) {
        if (Equal(piece->second, all.first(kPieceBytes))) return true;
      }
    }
    return false;
  }

 private:
  static std::uint64_t KeyOf(ByteSpan piece) { return LoadBe<std::uint64_t>(piece.data()); }
  std::unordered_multimap<std::uint64_t, ByteSpan> pieces_;
};

// The messages of the session, the signed roster and the sealed shares among them: a piece of each,
// from its middle, where a signature or a share is.
Result<PieceSearch> PiecesOf(const DemoRun& run) {
  PieceSearch out;
  TRY(const std::vector<ByteSpan> items, aggregate::ReadTranscript(run.host.transcript));
  for (const ByteSpan item : items) {
    if (item.size() >= 2 * kPieceBytes) out.Add(item.subspan(item.size() / 2, kPieceBytes));
  }
  return out;
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
  if (!nothing) return out + "  " + nothing.error().message + "\n";
  const Result<PieceSearch> pieces = PiecesOf(run);
  return out +
         fmt::format(
             "  Searched for: 16 bytes of each of the {} messages of the session, among them\n"
             "  the signed roster and every sealed share; and \"name\":, which stands before "
             "each\n"
             "  name in a roster. Nothing stands there. Not searched for: a height. It was "
             "never\n"
             "  sent, and three digits are found by chance in so many bytes.\n",
             pieces ? pieces->size() : 0);
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
  TRY(const PieceSearch pieces, PiecesOf(run));
  for (const Captured& one : run.captured) {
    for (const Bytes* const heard : {&one.from_client, &one.from_server}) {
      if (pieces.FindsAny(*heard)) {
        return VerificationFailed("a message of the session stands in what was captured");
      }
      if (AsText(*heard).find(kBeforeName) != std::string_view::npos) {
        return VerificationFailed("a name stands in what was captured");
      }
    }
  }
  return {};
}

}  // namespace salus::cli
