// The side of Salus in the judgement by npm's @divviup/prio3: Prio3 of VDAF draft-08, one JSON
// request a line in, one answer a line out, {"ok":true,...} or {"ok":false,"error":...}. Bytes are
// hexadecimal. It keeps nothing between two lines, so shares and states pass through it open:
// judge.mjs drives it with made-up numbers.
#include <iostream>
#include <map>
#include <string>
#include <utility>

#include "aggregate/prio3.h"
#include "aggregate/share_access.h"
#include "aggregate/vdaf_json.h"
#include "base/random.h"
#include "codec/hex.h"
#include "codec/json.h"

namespace salus::aggregate {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

std::string HexOf(const SecretBytes& secret) {
  return codec::HexEncode(secret.view(ShareAccess::Token()));
}

Result<Bytes> BytesAt(const JsonObject& request, std::string_view name) {
  TRY(const std::string_view text, codec::StringAt(request, name));
  return codec::HexDecode(text);
}

Result<SecretBytes> SecretAt(const JsonObject& request, std::string_view name) {
  TRY(const Bytes bytes, BytesAt(request, name));
  return SecretBytes(ByteSpan(bytes));
}

Result<std::vector<Bytes>> ListAt(const JsonObject& request, std::string_view name) {
  TRY(const JsonArray* items, codec::ArrayAt(request, name));
  std::vector<Bytes> list;
  for (const Json& item : *items) {
    if (!item.is_string()) return InvalidArgument(std::string(name) + ": must be strings");
    TRY(Bytes bytes, codec::HexDecode(item.get_string()));
    list.push_back(std::move(bytes));
  }
  return list;
}

Result<std::vector<SecretBytes>> SecretsAt(const JsonObject& request, std::string_view name) {
  TRY(const std::vector<Bytes> list, ListAt(request, name));
  std::vector<SecretBytes> secrets;
  for (const Bytes& bytes : list) secrets.emplace_back(ByteSpan(bytes));
  return secrets;
}

// With "randomness" the shares are those of these bytes, else of our own random source.
Result<JsonObject> Shard(const Prio3& prio3, const JsonObject& request) {
  TRY(const JsonArray* numbers, codec::ArrayAt(request, "measurement"));
  std::vector<std::uint64_t> measurement;
  for (const Json& number : *numbers) {
    if (!number.is_int64()) return InvalidArgument("measurement: must be numbers");
    measurement.push_back(static_cast<std::uint64_t>(number.get_int64()));
  }
  TRY(const Bytes nonce, BytesAt(request, "nonce"));
  if (nonce.size() != Prio3::kNonceBytes) return InvalidArgument("nonce: must be 16 bytes");
  SecretBytes given;
  if (request.contains("randomness")) {
    TRY(given, SecretAt(request, "randomness"));
  }
  const auto fixed = std::span(nonce).first<Prio3::kNonceBytes>();
  SystemRandom random;
  TRY(const Shards shards, request.contains("randomness")
                               ? prio3.Shard({}, measurement, fixed, given)
                               : prio3.Shard({}, measurement, fixed, random));
  JsonArray input_shares;
  for (const SecretBytes& share : shards.input_shares) input_shares.emplace_back(HexOf(share));
  return JsonObject{{"public_share", codec::HexEncode(shards.public_share)},
                    {"input_shares", std::move(input_shares)}};
}

Result<JsonObject> VerifyInit(const Prio3& prio3, const JsonObject& request) {
  TRY(const std::int64_t aggregator, codec::IntAt(request, "aggregator"));
  TRY(const SecretBytes verify_key, SecretAt(request, "verify_key"));
  TRY(const Bytes nonce, BytesAt(request, "nonce"));
  TRY(const Bytes public_share, BytesAt(request, "public_share"));
  TRY(const SecretBytes input_share, SecretAt(request, "input_share"));
  TRY(const Verification verification,
      prio3.VerifyInit(verify_key, {}, static_cast<std::uint8_t>(aggregator),
                       {nonce, public_share, &input_share}));
  return JsonObject{{"output_share", HexOf(verification.state.output_share)},
                    {"joint_rand_seed", HexOf(verification.state.joint_rand_seed)},
                    {"verifier_share", codec::HexEncode(verification.verifier_share)}};
}

Result<JsonObject> ToMessage(const Prio3& prio3, const JsonObject& request) {
  TRY(const std::vector<Bytes> shares, ListAt(request, "verifier_shares"));
  const std::vector<ByteSpan> views(shares.begin(), shares.end());
  TRY(const Bytes message, prio3.VerifierSharesToMessage({}, views));
  return JsonObject{{"message", codec::HexEncode(message)}};
}

Result<JsonObject> VerifyNext(const Prio3& prio3, const JsonObject& request) {
  VerifyState state;
  TRY(state.output_share, SecretAt(request, "output_share"));
  TRY(state.joint_rand_seed, SecretAt(request, "joint_rand_seed"));
  TRY(const Bytes message, BytesAt(request, "message"));
  TRY(const SecretBytes output, prio3.VerifyNext(std::move(state), message));
  return JsonObject{{"output_share", HexOf(output)}};
}

Result<JsonObject> Aggregate(const Prio3& prio3, const JsonObject& request) {
  TRY(const std::vector<SecretBytes> outputs, SecretsAt(request, "output_shares"));
  SecretBytes aggregate = prio3.EmptyAggregate();
  for (const SecretBytes& output : outputs) TRY_VOID(prio3.Add(aggregate, output));
  return JsonObject{{"aggregate_share", HexOf(aggregate)}};
}

Result<JsonObject> Unshard(const Prio3& prio3, const JsonObject& request) {
  TRY(const std::vector<SecretBytes> shares, SecretsAt(request, "aggregate_shares"));
  TRY(const std::int64_t reports, codec::IntAt(request, "reports"));
  TRY(const auto sums, prio3.Unshard(shares, static_cast<std::uint64_t>(reports)));
  JsonArray result;
  for (const unsigned __int128 sum : sums) {
    if (sum >> 63 != 0) return InvalidArgument("a sum does not fit in JSON");
    result.emplace_back(static_cast<std::int64_t>(sum));
  }
  return JsonObject{{"result", std::move(result)}};
}

Result<JsonObject> Answer(std::string_view line) {
  TRY(const Json request, codec::ParseJson(line));
  TRY(const JsonObject* object, codec::AsObject(request, "request"));
  TRY(const JsonObject* vdaf, codec::ObjectAt(*object, "vdaf"));
  TRY(const std::int64_t shares, codec::IntAt(*object, "shares"));
  TRY(const VdafInstance instance,
      VdafFromJson(*vdaf, VdafProfile::kDraft08, static_cast<std::uint8_t>(shares)));
  TRY(const auto prio3, Prio3::Create(instance));
  TRY(const std::string_view op, codec::StringAt(*object, "op"));
  using Handler = Result<JsonObject> (*)(const Prio3&, const JsonObject&);
  static const std::map<std::string_view, Handler> handlers = {
      {"shard", Shard},          {"verify_init", VerifyInit},
      {"to_message", ToMessage}, {"verify_next", VerifyNext},
      {"aggregate", Aggregate},  {"unshard", Unshard}};
  const auto handler = handlers.find(op);
  if (handler == handlers.end()) return InvalidArgument("no such op");
  return handler->second(*prio3, *object);
}

}  // namespace
}  // namespace salus::aggregate

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    auto answer = salus::aggregate::Answer(line);
    salus::codec::JsonObject out;
    if (answer) {
      out = *std::move(answer);
    } else {
      out["error"] = answer.error().message;
      out["code"] = salus::CodeName(answer.error().code);
    }
    out["ok"] = answer.has_value();
    std::cout << salus::codec::WriteJson(salus::codec::Json(out)) << std::endl;
  }
  return 0;
}
