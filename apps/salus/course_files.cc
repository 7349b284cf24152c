#include "apps/salus/course_files.h"

#include <algorithm>

#include "apps/salus/seal_keys.h"
#include "seal/age_header.h"
#include "seal/armor.h"
#include "seal/course_file.h"

namespace salus::cli {

namespace {

constexpr char kCourse[] = "course";

// A later version of age is no course file either.
constexpr std::string_view kAnyAgeVersion = seal::kAgeVersionLine.substr(0, 19);

Result<bool> IsAge(seal::BufferedSource& peeked) {
  TRY(const bool is_armored, seal::IsArmored(peeked));
  TRY(const ByteSpan head, peeked.Peek(kAnyAgeVersion.size()));
  return is_armored || AsText(head) == kAnyAgeVersion;
}

// HasRoom: whether input can be a course file for one of identities; where its size is not known
// it can.
bool HasRoom(const InputFile& input, const seal::Identities& identities) {
  return std::ranges::any_of(identities, [&](const auto& identity) {
    const crypto::RsaPrivateKey* const key = identity->rsa_key();
    return key != nullptr &&
           (!input.is_regular() ||
            input.size_bytes() >= seal::CourseOverheadBytes(key->public_key().size_bits()));
  });
}

Result<std::unique_ptr<seal::RepeatableSource>> Repeatable(const InputFile& input,
                                                           seal::ByteSource& pipe) {
  if (input.is_regular()) {
    return std::make_unique<seal::RegularFileSource>(input.descriptor(), input.start_bytes());
  }
  TRY(seal::HeldSource held, seal::HeldSource::ReadAll(pipe));
  return std::make_unique<seal::HeldSource>(std::move(held));
}

}  // namespace

Result<bool> WantsCourse(Session& session) {
  const std::string format = session.arguments().Text("--format");
  if (format.empty() || format == "age") return false;
  if (format == kCourse) return true;
  return session.Usage("--format: the formats are age and course");
}

Result<void> SealCourseFile(Session& session, const seal::Recipients& recipients, InputFile& input,
                            seal::ByteSink& out) {
  const crypto::RsaPublicKey* const key =
      recipients.size() == 1 ? recipients.front()->rsa_key() : nullptr;
  if (key == nullptr) {
    return InvalidArgument(
        "the course's format has one recipient, an RSA key; leave --format away for others");
  }
  if (session.arguments().Has("--armor")) {
    return InvalidArgument("the course's format has no form as text: leave -a away");
  }
  TRY(const std::unique_ptr<seal::RepeatableSource> source, Repeatable(input, input));
  TRY_VOID(seal::SealCourse(*key, *source, out, session.random()));
  session.terminal().Say(
      "note: this is the course's old format. Without --format, salus writes age v1: many "
      "recipients or a passphrase, any size through a pipe, each part authenticated as it is read, "
      "and a file that many programs recognise and open.");
  return {};
}

Result<std::optional<seal::Identities>> CourseIdentities(Session& session, const InputFile& input,
                                                         seal::BufferedSource& peeked) {
  TRY(const bool is_wanted, WantsCourse(session));
  if (!is_wanted) {
    TRY(const bool is_age, IsAge(peeked));
    TRY(const ByteSpan head, peeked.Peek(1));
    if (is_age || head.empty() || !session.arguments().Has("--identity")) return std::nullopt;
  }
  TRY(seal::Identities identities, NamedIdentities(session));
  if (is_wanted &&
      std::ranges::none_of(identities, [](const auto& one) { return one->rsa_key() != nullptr; })) {
    return InvalidArgument("the course's format opens with an RSA private key: name one with -i");
  }
  if (!is_wanted && !HasRoom(input, identities)) return std::nullopt;
  return identities;
}

Result<void> OpenCourseFile(Session& session, const seal::Identities& identities,
                            const InputFile& input, seal::BufferedSource& peeked,
                            seal::ByteSink& out) {
  TRY(const std::unique_ptr<seal::RepeatableSource> source, Repeatable(input, peeked));
  Result<void> opened = VerificationFailed("no RSA key was tried");
  for (const auto& identity : identities) {
    if (identity->rsa_key() == nullptr) continue;
    source->Rewind();
    opened = seal::OpenCourse(*identity->rsa_key(), *source, out);
    if (opened || opened.error().code != ErrorCode::kVerificationFailed) break;
  }
  if (opened) session.terminal().Say("note: read the course's old format (RSA-OAEP and AES-EAX)");
  return opened;
}

}  // namespace salus::cli
