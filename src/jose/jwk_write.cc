#include "jose/jwk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "codec/base64.h"
#include "jose/jwk_purpose.h"
#include "jose/key_access.h"

namespace salus::jose {
namespace {

using Members = std::vector<std::pair<std::string_view, std::string>>;

Members EcMembers(const crypto::P256PublicKey& key) {
  return {{"crv", "P-256"},
          {"kty", "EC"},
          {"x", codec::Base64UrlEncode(key.x())},
          {"y", codec::Base64UrlEncode(key.y())}};
}

Members OkpMembers(std::string_view curve, ByteSpan x) {
  return {{"crv", std::string(curve)}, {"kty", "OKP"}, {"x", codec::Base64UrlEncode(x)}};
}

Members RsaMembers(const crypto::RsaPublicKey& key) {
  const crypto::RsaPublicComponents parts = key.components();
  return {{"e", codec::Base64UrlEncode(parts.e)},
          {"kty", "RSA"},
          {"n", codec::Base64UrlEncode(parts.n)}};
}

// RequiredMembers are those of RFC 7638 section 3.2 in its order; none for a symmetric key.
struct RequiredMembers {
  Members operator()(const crypto::P256PublicKey& key) const { return EcMembers(key); }
  Members operator()(const crypto::P256PrivateKey& key) const {
    return EcMembers(key.public_key());
  }
  Members operator()(const crypto::Ed25519PublicKey& key) const {
    return OkpMembers("Ed25519", key.bytes());
  }
  Members operator()(const crypto::Ed25519PrivateKey& key) const {
    return OkpMembers("Ed25519", key.public_key().bytes());
  }
  Members operator()(const crypto::X25519PublicKey& key) const { return OkpMembers("X25519", key); }
  Members operator()(const crypto::X25519PrivateKey& key) const {
    return OkpMembers("X25519", key.public_key());
  }
  Members operator()(const crypto::RsaPublicKey& key) const { return RsaMembers(key); }
  Members operator()(const crypto::RsaPrivateKey& key) const {
    return RsaMembers(key.public_key());
  }
  Members operator()(const SecretBytes&) const { return {}; }
};

using SecretMembers = std::vector<std::pair<std::string_view, SecretBytes>>;

template <std::size_t N>
SecretBytes ToSecretBytes(const SecretArray<N>& secret) {
  return SecretBytes(ByteSpan(secret.view(KeyAccess::Token())));
}

struct PrivateMembers {
  SecretMembers operator()(const crypto::P256PrivateKey& key) const {
    return One("d", ToSecretBytes(key.scalar()));
  }
  SecretMembers operator()(const crypto::Ed25519PrivateKey& key) const {
    return One("d", ToSecretBytes(key.seed()));
  }
  SecretMembers operator()(const crypto::X25519PrivateKey& key) const {
    return One("d", ToSecretBytes(key.bytes()));
  }
  SecretMembers operator()(const crypto::RsaPrivateKey& key) const {
    crypto::RsaPrivateComponents parts = key.components();
    SecretMembers out = One("d", std::move(parts.d));
    out.emplace_back("p", std::move(parts.p));
    out.emplace_back("q", std::move(parts.q));
    out.emplace_back("dp", std::move(parts.dp));
    out.emplace_back("dq", std::move(parts.dq));
    out.emplace_back("qi", std::move(parts.qi));
    return out;
  }
  SecretMembers operator()(const SecretBytes& key) const { return One("k", key.Clone()); }
  template <typename PublicKey>
  SecretMembers operator()(const PublicKey&) const {
    return {};
  }

 private:
  static SecretMembers One(std::string_view name, SecretBytes value) {
    SecretMembers out;
    out.emplace_back(name, std::move(value));
    return out;
  }
};

// JoinSecretMembers writes {open,"name":"base64url",...} into wiped memory; open is JSON members
// without braces.
SecretBytes JoinSecretMembers(std::string_view open, const SecretMembers& secrets) {
  std::size_t size = open.size() + 2;
  bool first = open.empty();
  for (const auto& [name, value] : secrets) {
    size += name.size() + codec::Base64UrlSize(value.size()) + (first ? 5 : 6);
    first = false;
  }
  SecretBytes out(size);
  MutableByteSpan room = out.mutable_view(KeyAccess::Token());
  const auto put = [&room](std::string_view text) {
    std::copy(text.begin(), text.end(), room.begin());
    room = room.subspan(text.size());
  };
  put("{");
  put(open);
  first = open.empty();
  for (const auto& [name, value] : secrets) {
    put(first ? "\"" : ",\"");
    put(name);
    put("\":\"");
    const std::size_t text_size = codec::Base64UrlSize(value.size());
    codec::Base64UrlEncodeInto(value.view(KeyAccess::Token()), room.first(text_size));
    room = room.subspan(text_size);
    put("\"");
    first = false;
  }
  put("}");
  return out;
}

// Braceless is the text of an object without its braces.
std::string Braceless(const codec::JsonObject& object) {
  const std::string text = codec::WriteJson(codec::Json(object));
  return text.substr(1, text.size() - 2);
}

}  // namespace

codec::JsonArray Jwk::Operations(bool public_half) const {
  codec::JsonArray names;
  std::uint8_t bits = operations_.value_or(0);
  if (public_half) {
    std::uint8_t turned = 0;
    for (const KeyOperation& operation : kKeyOperations) {
      if ((bits & operation.bit) != 0) turned |= operation.public_bit;
    }
    bits = turned;
  }
  for (const KeyOperation& operation : kKeyOperations) {
    if ((bits & operation.bit) != 0) names.emplace_back(operation.name);
  }
  return names;
}

Result<codec::Json> Jwk::PublicJson() const {
  if (is_symmetric()) return FailedPrecondition("a symmetric key has no public half");
  codec::JsonObject out;
  for (const auto& [name, value] : std::visit(RequiredMembers(), material_)) out[name] = value;
  if (key_id_) out["kid"] = *key_id_;
  if (use_) out["use"] = *use_ == JwkUse::kSignature ? "sig" : "enc";
  if (operations_) out["key_ops"] = Operations(true);
  if (algorithm_) out["alg"] = *algorithm_;
  return codec::Json(std::move(out));
}

Result<Jwk> Jwk::ToPublic() const {
  TRY(codec::Json value, PublicJson());
  return FromJson(std::move(value));
}

Result<SecretBytes> Jwk::PrivateJson() const {
  if (!is_private() && !is_symmetric()) {
    return FailedPrecondition("the JWK is public; it has no private half");
  }
  codec::JsonObject open;
  if (is_symmetric()) open["kty"] = "oct";
  for (const auto& [name, value] : std::visit(RequiredMembers(), material_)) open[name] = value;
  if (key_id_) open["kid"] = *key_id_;
  if (use_) open["use"] = *use_ == JwkUse::kSignature ? "sig" : "enc";
  if (operations_) open["key_ops"] = Operations(false);
  if (algorithm_) open["alg"] = *algorithm_;
  return JoinSecretMembers(Braceless(open), std::visit(PrivateMembers(), material_));
}

Result<crypto::Hash32> Jwk::Thumbprint() const {
  if (const auto* secret = std::get_if<SecretBytes>(&material_)) {
    const std::size_t size = codec::Base64UrlSize(secret->size());
    SecretBytes text(size);
    codec::Base64UrlEncodeInto(secret->view(KeyAccess::Token()),
                               text.mutable_view(KeyAccess::Token()));
    return crypto::Sha256(
        {AsBytes("{\"k\":\""), text.view(KeyAccess::Token()), AsBytes("\",\"kty\":\"oct\"}")});
  }
  codec::JsonObject out;
  for (const auto& [name, value] : std::visit(RequiredMembers(), material_)) out[name] = value;
  return crypto::Sha256(AsBytes(codec::WriteJson(codec::Json(std::move(out)))));
}

}  // namespace salus::jose
