// Notes and keys: what parses is written back exactly, and no signature of an unknown key counts.
#include "base/check.h"
#include "tlog/note.h"

namespace salus::tlog {
namespace {

const std::vector<VerifierKey>& KnownKeys() {
  static const std::vector<VerifierKey> keys = {
      VerifierKey::Parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
          .value()};
  return keys;
}

void CheckOne(std::string_view text) {
  if (const auto note = Note::Parse(text)) {
    CHECK(note->ToText() == text);
    // The one note in the corpus that the key has signed; nobody can make another.
    if (note->Verify(KnownKeys())) CHECK(note->text() == "This is an example message.\n");
  }
  if (const auto line = NoteSignature::Parse(text)) {
    CHECK(line->Line() == std::string(text) + "\n");
  }
  if (const auto key = VerifierKey::Parse(text)) CHECK(key->ToText() == text);
}

}  // namespace
}  // namespace salus::tlog

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::tlog::CheckOne(salus::AsText({data, size}));
  return 0;
}
