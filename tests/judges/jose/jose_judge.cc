// The side of Salus in the judgement by npm's jose: one JSON request a line in, one answer a line
// out, {"ok":true,...} or {"ok":false,"error":...}. judge.mjs drives it.
#include <iostream>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/rfc3339.h"
#include "jose/jwe.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "jose/secure_message.h"

namespace salus::jose {
namespace {

using codec::Json;
using codec::JsonObject;

class JudgeAccess : SecretAccessMint {
 public:
  static SecretAccess Token() { return Mint(); }
};

class AcceptAll final : public ReplayGuard {
 public:
  Result<void> Accept(std::string_view, std::string_view, Timestamp) override { return {}; }
};

struct State {
  SystemRandom random;
  SystemClock clock;
  std::map<std::string, Jwk> keys;  // by the text they came in, so that RSA keys parse once

  Result<const Jwk*> KeyAt(const JsonObject& request, std::string_view name) {
    TRY(const std::string_view text, codec::StringAt(request, name));
    if (const auto found = keys.find(std::string(text)); found != keys.end()) {
      return &found->second;
    }
    TRY(Jwk key, Jwk::Parse(text));
    return &keys.emplace(std::string(text), std::move(key)).first->second;
  }
};

Result<Bytes> BytesAt(const JsonObject& request, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(request, name));
  return codec::Base64UrlDecode(text);
}

Result<SignatureAlgorithm> SignatureAt(const JsonObject& request) {
  TRY(const std::string_view name, codec::StringAt(request, "alg"));
  return ParseSignatureAlgorithm(name);
}
Result<KeyManagement> ManagementAt(const JsonObject& request) {
  TRY(const std::string_view name, codec::StringAt(request, "alg"));
  return ParseKeyManagement(name);
}
Result<ContentEncryption> EncryptionAt(const JsonObject& request) {
  TRY(const std::string_view name, codec::StringAt(request, "enc"));
  return ParseContentEncryption(name);
}

Result<JsonObject> Generate(State& state, const JsonObject& request) {
  TRY(const std::string_view kind, codec::StringAt(request, "kind"));
  Jwk::Material material = crypto::P256PrivateKey::Generate();
  if (kind == "Ed25519") {
    material = crypto::Ed25519PrivateKey::Generate(state.random);
  } else if (kind == "X25519") {
    material = crypto::X25519PrivateKey::Generate(state.random);
  } else if (kind == "RSA") {
    TRY(material, crypto::RsaPrivateKey::Generate(2048));
  } else if (kind != "P-256") {
    return InvalidArgument("kind");
  }
  const Jwk key(std::move(material));
  TRY(const SecretBytes text, key.PrivateJson());
  TRY(const Json open, key.PublicJson());
  TRY(const crypto::Hash32 thumbprint, key.Thumbprint());
  return JsonObject{{"private", AsText(text.view(JudgeAccess::Token()))},
                    {"public", codec::WriteJson(open)},
                    {"thumbprint", codec::Base64UrlEncode(thumbprint)}};
}

Result<JsonObject> Sign(State& state, const JsonObject& request) {
  TRY(const Jwk* key, state.KeyAt(request, "key"));
  TRY(const SignatureAlgorithm algorithm, SignatureAt(request));
  TRY(const SigningKeyView view, key->ForSigning(algorithm));
  TRY(const Bytes payload, BytesAt(request, "payload"));
  if (request.contains("detached")) {
    TRY(const std::string token, SignDetached(payload, view, algorithm, PayloadForm::kRaw));
    return JsonObject{{"token", token}};
  }
  TRY(const std::string token, SignCompact(payload, view, algorithm, {{"typ", "judged"}}));
  return JsonObject{{"token", token}};
}

Result<JsonObject> Verify(State& state, const JsonObject& request) {
  TRY(const Jwk* key, state.KeyAt(request, "key"));
  TRY(const SignatureAlgorithm algorithm, SignatureAt(request));
  TRY(const std::string_view token, codec::StringAt(request, "token"));
  if (request.contains("detached")) {
    TRY(const Bytes payload, BytesAt(request, "payload"));
    TRY(const VerificationKeyView view, key->ForVerifying(algorithm));
    TRY_VOID(VerifyDetached(token, payload, view, JwsRules{{algorithm}}));
    return JsonObject{};
  }
  TRY(const VerifiedJws verified, VerifyCompact(token, *key, {algorithm}));
  return JsonObject{{"payload", codec::Base64UrlEncode(verified.payload)}};
}

Result<JsonObject> Encrypt(State& state, const JsonObject& request) {
  TRY(const Jwk* key, state.KeyAt(request, "key"));
  TRY(const KeyManagement algorithm, ManagementAt(request));
  TRY(const ContentEncryption encryption, EncryptionAt(request));
  TRY(const EncryptionKeyView view, key->ForEncrypting(algorithm));
  TRY(const Bytes payload, BytesAt(request, "payload"));
  TRY(const std::string token,
      EncryptCompact(payload, view, algorithm, encryption, state.random, {{"typ", "judged"}}));
  return JsonObject{{"token", token}};
}

Result<JsonObject> Decrypt(State& state, const JsonObject& request) {
  TRY(const Jwk* key, state.KeyAt(request, "key"));
  TRY(const KeyManagement algorithm, ManagementAt(request));
  TRY(const ContentEncryption encryption, EncryptionAt(request));
  TRY(const std::string_view token, codec::StringAt(request, "token"));
  TRY(const DecryptedJwe opened, DecryptCompact(token, *key, JweRules{{algorithm}, {encryption}}));
  return JsonObject{{"payload", codec::Base64UrlEncode(opened.plaintext)}};
}

Result<JsonObject> EncryptForMany(State& state, const JsonObject& request) {
  TRY(const codec::JsonArray* entries, codec::ArrayAt(request, "recipients"));
  std::vector<JweRecipient> recipients;
  for (const Json& entry : *entries) {
    TRY(const JsonObject* object, codec::AsObject(entry, "recipient"));
    TRY(const Jwk* key, state.KeyAt(*object, "key"));
    TRY(const KeyManagement algorithm, ManagementAt(*object));
    TRY(const EncryptionKeyView view, key->ForEncrypting(algorithm));
    recipients.push_back({view, algorithm, "k" + std::to_string(recipients.size())});
  }
  TRY(const ContentEncryption encryption, EncryptionAt(request));
  TRY(const Bytes payload, BytesAt(request, "payload"));
  TRY(const Bytes aad, BytesAt(request, "aad"));
  TRY(const std::string token, EncryptGeneral(payload, recipients, encryption, aad, state.random));
  return JsonObject{{"token", token}};
}

Result<JsonObject> DecryptOfMany(State& state, const JsonObject& request) {
  TRY(const Jwk* key, state.KeyAt(request, "key"));
  TRY(const KeyManagement algorithm, ManagementAt(request));
  TRY(const ContentEncryption encryption, EncryptionAt(request));
  TRY(const DecryptionKeyView view, key->ForDecrypting(algorithm));
  TRY(const std::string_view token, codec::StringAt(request, "token"));
  TRY(const Bytes aad, BytesAt(request, "aad"));
  TRY(const DecryptedJwe opened,
      DecryptGeneral(token, JweReader{view}, aad, JweRules{{algorithm}, {encryption}}));
  return JsonObject{{"payload", codec::Base64UrlEncode(opened.plaintext)}};
}

Result<JsonObject> Pack(State& state, const JsonObject& request) {
  TRY(const Jwk* signer, state.KeyAt(request, "signer"));
  TRY(const Jwk* reader, state.KeyAt(request, "reader"));
  TRY(const SignatureAlgorithm signature, SignatureAt(request));
  const bool rsa = signature == SignatureAlgorithm::kPs256;
  TRY(const SigningKeyView signing_key, signer->ForSigning(signature));
  TRY(const EncryptionKeyView reader_key,
      reader->ForEncrypting(rsa ? KeyManagement::kRsaOaep256 : KeyManagement::kEcdhEsA256Kw));
  TRY(const Bytes payload, BytesAt(request, "payload"));
  TRY(const Bytes message,
      PackMessage(payload, {"hospital-a", "hospital-b", state.clock.Now(), "1"}, signing_key,
                  reader_key, state.random));
  return JsonObject{{"token", AsText(message)}};
}

Result<JsonObject> Open(State& state, const JsonObject& request) {
  TRY(const Jwk* signer, state.KeyAt(request, "signer"));
  TRY(const Jwk* reader, state.KeyAt(request, "reader"));
  TRY(const SignatureAlgorithm signature, SignatureAt(request));
  const bool rsa = signature == SignatureAlgorithm::kPs256;
  TRY(const DecryptionKeyView reader_key,
      reader->ForDecrypting(rsa ? KeyManagement::kRsaOaep256 : KeyManagement::kEcdhEsA256Kw));
  TRY(const std::string_view token, codec::StringAt(request, "token"));
  const auto lookup = [&](std::string_view sender, Timestamp) -> Result<crypto::PublicKey> {
    if (sender != "hospital-a") return NotFound("sender");
    if (const auto* key = std::get_if<crypto::P256PublicKey>(&signer->material())) return *key;
    if (const auto* key = std::get_if<crypto::RsaPublicKey>(&signer->material())) return *key;
    return NotFound("sender");
  };
  AcceptAll guard;
  TRY(const OpenedMessage opened,
      OpenMessage(AsBytes(token), reader_key, lookup, OpenRules{"hospital-b"}, guard, state.clock));
  return JsonObject{{"payload", codec::Base64UrlEncode(opened.payload)}};
}

Result<JsonObject> Answer(State& state, std::string_view line) {
  TRY(const Json request, codec::ParseJson(line));
  TRY(const JsonObject* object, codec::AsObject(request, "request"));
  TRY(const std::string_view op, codec::StringAt(*object, "op"));
  using Handler = Result<JsonObject> (*)(State&, const JsonObject&);
  static const std::map<std::string_view, Handler> handlers = {
      {"generate", Generate}, {"sign", Sign},
      {"verify", Verify},     {"encrypt", Encrypt},
      {"decrypt", Decrypt},   {"encrypt_general", EncryptForMany},
      {"pack", Pack},         {"decrypt_general", DecryptOfMany},
      {"open", Open}};
  const auto handler = handlers.find(op);
  if (handler == handlers.end()) return InvalidArgument("no such op");
  return handler->second(state, *object);
}

}  // namespace
}  // namespace salus::jose

int main() {
  salus::jose::State state;
  for (std::string line; std::getline(std::cin, line);) {
    auto answer = salus::jose::Answer(state, line);
    salus::codec::JsonObject out;
    if (answer) {
      out = *std::move(answer);
    } else {
      out["error"] = answer.error().message;
    }
    out["ok"] = answer.has_value();
    std::cout << salus::codec::WriteJson(salus::codec::Json(out)) << std::endl;
  }
  return 0;
}
