#include "codec/cbor.h"

#include <cbor.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/random.h"
#include "codec/hex.h"

namespace salus::codec {
namespace {

struct AppendixAExample {
  const char* diagnostic;
  const char* hex;
  bool taken;
};

// RFC 8949 appendix A, table 6, whole and in its order. Not taken: integers over 64 bits signed and
// all tags, floats, other simple values and indefinite lengths.
constexpr AppendixAExample kAppendixA[] = {
    {"0", "00", true},
    {"1", "01", true},
    {"10", "0a", true},
    {"23", "17", true},
    {"24", "1818", true},
    {"25", "1819", true},
    {"100", "1864", true},
    {"1000", "1903e8", true},
    {"1000000", "1a000f4240", true},
    {"1000000000000", "1b000000e8d4a51000", true},
    {"18446744073709551615", "1bffffffffffffffff", true},
    {"18446744073709551616", "c249010000000000000000", false},
    {"-18446744073709551616", "3bffffffffffffffff", false},
    {"-18446744073709551617", "c349010000000000000000", false},
    {"-1", "20", true},
    {"-10", "29", true},
    {"-100", "3863", true},
    {"-1000", "3903e7", true},
    {"0.0", "f90000", false},
    {"-0.0", "f98000", false},
    {"1.0", "f93c00", false},
    {"1.1", "fb3ff199999999999a", false},
    {"1.5", "f93e00", false},
    {"65504.0", "f97bff", false},
    {"100000.0", "fa47c35000", false},
    {"3.4028234663852886e+38", "fa7f7fffff", false},
    {"1.0e+300", "fb7e37e43c8800759c", false},
    {"5.960464477539063e-8", "f90001", false},
    {"0.00006103515625", "f90400", false},
    {"-4.0", "f9c400", false},
    {"-4.1", "fbc010666666666666", false},
    {"Infinity", "f97c00", false},
    {"NaN", "f97e00", false},
    {"-Infinity", "f9fc00", false},
    {"Infinity", "fa7f800000", false},
    {"NaN", "fa7fc00000", false},
    {"-Infinity", "faff800000", false},
    {"Infinity", "fb7ff0000000000000", false},
    {"NaN", "fb7ff8000000000000", false},
    {"-Infinity", "fbfff0000000000000", false},
    {"false", "f4", true},
    {"true", "f5", true},
    {"null", "f6", true},
    {"undefined", "f7", false},
    {"simple(16)", "f0", false},
    {"simple(255)", "f8ff", false},
    {"0(\"2013-03-21T20:04:00Z\")", "c074323031332d30332d32315432303a30343a30305a", false},
    {"1(1363896240)", "c11a514b67b0", false},
    {"1(1363896240.5)", "c1fb41d452d9ec200000", false},
    {"23(h'01020304')", "d74401020304", false},
    {"24(h'6449455446')", "d818456449455446", false},
    {"32(\"http://www.example.com\")", "d82076687474703a2f2f7777772e6578616d706c652e636f6d", false},
    {"h''", "40", true},
    {"h'01020304'", "4401020304", true},
    {"\"\"", "60", true},
    {"\"a\"", "6161", true},
    {"\"IETF\"", "6449455446", true},
    {"\"\\\"\\\\\"", "62225c", true},
    {"\"\\u00fc\"", "62c3bc", true},
    {"\"\\u6c34\"", "63e6b0b4", true},
    {"\"\\ud800\\udd51\"", "64f0908591", true},
    {"[]", "80", true},
    {"[1, 2, 3]", "83010203", true},
    {"[1, [2, 3], [4, 5]]", "8301820203820405", true},
    {"[1, 2, ..., 25]", "98190102030405060708090a0b0c0d0e0f101112131415161718181819", true},
    {"{}", "a0", true},
    {"{1: 2, 3: 4}", "a201020304", true},
    {"{\"a\": 1, \"b\": [2, 3]}", "a26161016162820203", true},
    {"[\"a\", {\"b\": \"c\"}]", "826161a161626163", true},
    {"{\"a\": \"A\", ..., \"e\": \"E\"}", "a56161614161626142616361436164614461656145", true},
    {"(_ h'0102', h'030405')", "5f42010243030405ff", false},
    {"(_ \"strea\", \"ming\")", "7f657374726561646d696e67ff", false},
    {"[_ ]", "9fff", false},
    {"[_ 1, [2, 3], [_ 4, 5]]", "9f018202039f0405ffff", false},
    {"[_ 1, [2, 3], [4, 5]]", "9f01820203820405ff", false},
    {"[1, [2, 3], [_ 4, 5]]", "83018202039f0405ff", false},
    {"[1, [_ 2, 3], [4, 5]]", "83019f0203ff820405", false},
    {"[_ 1, 2, ..., 25]", "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", false},
    {"{_ \"a\": 1, \"b\": [_ 2, 3]}", "bf61610161629f0203ffff", false},
    {"[\"a\", {_ \"b\": \"c\"}]", "826161bf61626163ff", false},
    {"{_ \"Fun\": true, \"Amt\": -2}", "bf6346756ef563416d7421ff", false},
};

TEST(CborTest, Rfc8949AppendixA) {
  for (const AppendixAExample& example : kAppendixA) {
    const Bytes bytes = HexDecode(example.hex).value();
    EXPECT_EQ(CheckDeterministic(bytes).has_value(), example.taken) << example.diagnostic;
  }
}

Bytes Written(auto&& write) {
  Bytes out;
  CborWriter writer(out);
  write(writer);
  EXPECT_TRUE(writer.complete());
  return out;
}

TEST(CborTest, WriterMakesTheAppendixAEncodings) {
  const auto uint = [](std::uint64_t v) {
    return HexEncode(Written([v](CborWriter& w) { w.Uint(v); }));
  };
  const auto integer = [](std::int64_t v) {
    return HexEncode(Written([v](CborWriter& w) { w.Int(v); }));
  };
  EXPECT_EQ(uint(23), "17");
  EXPECT_EQ(uint(24), "1818");
  EXPECT_EQ(uint(1000), "1903e8");
  EXPECT_EQ(uint(1000000), "1a000f4240");
  EXPECT_EQ(uint(1000000000000), "1b000000e8d4a51000");
  EXPECT_EQ(uint(UINT64_MAX), "1bffffffffffffffff");
  EXPECT_EQ(integer(-1), "20");
  EXPECT_EQ(integer(-1000), "3903e7");
  EXPECT_EQ(integer(INT64_MIN), "3b7fffffffffffffff");
  EXPECT_EQ(HexEncode(Written([](CborWriter& w) {
              w.Map(2);
              w.Text("a");
              w.Uint(1);
              w.Text("b");
              w.Array(2);
              w.Uint(2);
              w.Uint(3);
            })),
            "a26161016162820203");
  EXPECT_EQ(HexEncode(Written([](CborWriter& w) {
              w.Array(4);
              w.Bool(false);
              w.Bool(true);
              w.Null();
              w.ByteString(Bytes{1, 2, 3, 4});
            })),
            "84f4f5f64401020304");
}

TEST(CborTest, RefusesWhatDeterministicEncodingForbids) {
  const struct {
    const char* hex;
    const char* why;
  } cases[] = {
      {"", "nothing"},
      {"0000", "trailing byte"},
      {"1817", "23 in two bytes"},
      {"1900ff", "255 in three bytes"},
      {"1a0000ffff", "65535 in five bytes"},
      {"1b00000000ffffffff", "2^32-1 in nine bytes"},
      {"3817", "-24 in two bytes"},
      {"580161", "length 1 in two bytes"},
      {"780161", "length 1 in two bytes"},
      {"980101", "array of 1 in two bytes"},
      {"b8010101", "map of 1 in two bytes"},
      {"18", "cut head"},
      {"1903", "cut head"},
      {"4401", "cut string"},
      {"8201", "missing item"},
      {"a101", "missing value"},
      {"9bffffffffffffffff", "2^64-1 items"},
      {"bb8000000000000001", "count whose double overflows"},
      {"5bffffffffffffffff", "2^64-1 bytes"},
      {"1c", "reserved"},
      {"1d", "reserved"},
      {"1e", "reserved"},
      {"1f", "indefinite integer"},
      {"ff", "break"},
      {"f818", "simple in two bytes"},
      {"f814", "false in two bytes"},
      {"a201020100", "duplicate key"},
      {"a203040102", "keys out of order"},
      {"a2616201616102", "text keys out of order"},
      {"a262616101616202", "longer text key first"},
      {"a28100008000", "array keys out of order"},
      {"62c328", "not UTF-8"},
      {"63eda080", "surrogate in UTF-8"},
      {"a1a20100010000", "duplicate inside a key"},
  };
  for (const auto& c : cases) {
    std::string hex(c.hex);
    std::erase(hex, ' ');
    EXPECT_FALSE(CheckDeterministic(HexDecode(hex).value())) << c.hex << " " << c.why;
  }
  // Bytewise order puts the shorter encoding of lengths and integers first: 10, 100, -1, "z", "aa",
  // [100] (the example of RFC 8949 section 4.2.1).
  EXPECT_TRUE(CheckDeterministic(HexDecode("a60a001864002000617a006261610081186400").value()));
}

TEST(CborTest, DepthIsLimitedTo16) {
  Bytes nested(16, 0x81);
  nested.push_back(0x00);
  EXPECT_TRUE(CheckDeterministic(nested));
  nested.insert(nested.begin(), 0x81);
  EXPECT_FALSE(CheckDeterministic(nested));
}

TEST(CborTest, ReaderPullsTypedItems) {
  const Bytes bytes = HexDecode("84a201626869024203040a3863f5").value();
  CborReader reader(bytes);
  EXPECT_EQ(reader.PeekType().value(), CborType::kArray);
  EXPECT_EQ(reader.Array().value(), 4u);
  EXPECT_EQ(reader.Map().value(), 2u);
  EXPECT_EQ(reader.Uint().value(), 1u);
  EXPECT_EQ(reader.Text().value(), "hi");
  EXPECT_FALSE(reader.Finish());
  EXPECT_EQ(reader.Int().value(), 2);
  EXPECT_EQ(reader.ByteString().value().size(), 2u);
  EXPECT_EQ(reader.Item().value().size(), 1u);
  EXPECT_EQ(reader.PeekType().value(), CborType::kNegative);
  EXPECT_EQ(reader.Int().value(), -100);
  EXPECT_TRUE(reader.Bool().value());
  EXPECT_EQ(reader.PeekType().value(), CborType::kEnd);
  EXPECT_TRUE(reader.Finish());
  EXPECT_TRUE(reader.AtEnd());
}

TEST(CborTest, ReaderNamesTheByte) {
  CborReader reader(Bytes{});
  EXPECT_EQ(reader.Uint().error().message, "cbor: byte 0: an item is missing");
  const Bytes bytes = {0x82, 0x01, 0x61, 0x61};
  CborReader other(bytes);
  EXPECT_TRUE(other.ArrayOf(2));
  EXPECT_TRUE(other.Uint());
  EXPECT_EQ(other.Uint().error().message, "cbor: byte 2: expected an unsigned integer");
  CborReader third(bytes);
  EXPECT_FALSE(third.ArrayOf(3));
  EXPECT_FALSE(CborReader(HexDecode("1bffffffffffffffff").value()).Int());
}

TEST(CborTest, ItemStopsAtItsOwnEnd) {
  const Bytes bytes = HexDecode("8281a1018201028101").value();
  CborReader reader(bytes);
  EXPECT_TRUE(reader.ArrayOf(2));
  EXPECT_EQ(HexEncode(reader.Item().value()), "81a101820102");
  EXPECT_EQ(HexEncode(reader.Item().value()), "8101");
  EXPECT_TRUE(reader.Finish());
}

TEST(CborDeathTest, WriterChecksItsCaller) {
  EXPECT_DEATH(Written([](CborWriter& w) {
                 w.Map(2);
                 w.Uint(2);
                 w.Null();
                 w.Uint(1);
               }),
               "CHECK failed");
  EXPECT_DEATH(Written([](CborWriter& w) {
                 w.Map(2);
                 w.Text("a");
                 w.Null();
                 w.Text("a");
               }),
               "CHECK failed");
}

// One random tree, written by us and built through libcbor's own constructors.
class TwinTrees {
 public:
  explicit TwinTrees(std::uint64_t seed) : random_(seed) {}

  cbor_item_t* Grow(CborWriter& writer, int depth) {
    switch (random_.Below(depth > 3 ? 6 : 8)) {
      case 0:
        return Uint(writer, random_.Next() >> random_.Below(64));
      case 1: {
        const auto n = static_cast<std::int64_t>(random_.Next() >> (1 + random_.Below(63)));
        writer.Int(-1 - n);
        cbor_item_t* item = Integer(static_cast<std::uint64_t>(n));
        cbor_mark_negint(item);
        return item;
      }
      case 2: {
        Bytes bytes(random_.Below(300));
        random_.Fill(bytes);
        writer.ByteString(bytes);
        return cbor_build_bytestring(bytes.data(), bytes.size());
      }
      case 3: {
        const std::string text(random_.Below(70), 'x');
        writer.Text(text);
        return cbor_build_stringn(text.data(), text.size());
      }
      case 4: {
        const bool value = random_.Below(2) != 0;
        writer.Bool(value);
        return cbor_build_bool(value);
      }
      case 5:
        writer.Null();
        return cbor_new_null();
      case 6: {
        const std::size_t n = random_.Below(30);
        writer.Array(n);
        cbor_item_t* array = cbor_new_definite_array(n);
        for (std::size_t i = 0; i < n; ++i) {
          EXPECT_TRUE(cbor_array_push(array, cbor_move(Grow(writer, depth + 1))));
        }
        return array;
      }
      default: {
        const std::size_t n = random_.Below(30);
        writer.Map(n);
        cbor_item_t* map = cbor_new_definite_map(n);
        std::uint64_t key = 0;
        for (std::size_t i = 0; i < n; ++i) {
          key += 1 + random_.Below(100);
          cbor_item_t* k = Uint(writer, key);
          cbor_item_t* v = Grow(writer, depth + 1);
          EXPECT_TRUE(cbor_map_add(map, {.key = cbor_move(k), .value = cbor_move(v)}));
        }
        return map;
      }
    }
  }

 private:
  cbor_item_t* Uint(CborWriter& writer, std::uint64_t value) {
    writer.Uint(value);
    return Integer(value);
  }
  // libcbor takes the width from the caller.
  static cbor_item_t* Integer(std::uint64_t value) {
    if (value <= 0xff) return cbor_build_uint8(static_cast<std::uint8_t>(value));
    if (value <= 0xffff) return cbor_build_uint16(static_cast<std::uint16_t>(value));
    if (value <= 0xffffffff) return cbor_build_uint32(static_cast<std::uint32_t>(value));
    return cbor_build_uint64(value);
  }

  SeededRandom random_;
};

// Debian's libcbor as judge, both ways: its encoding of the same tree is ours byte for byte, and it
// decodes what we wrote and encodes it to the same bytes.
TEST(CborTest, LibcborAgreesOnOurOutput) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Bytes ours;
    CborWriter writer(ours);
    cbor_item_t* item = TwinTrees(seed).Grow(writer, 0);
    ASSERT_TRUE(writer.complete());
    ASSERT_TRUE(CheckDeterministic(ours)) << seed;
    Bytes theirs(ours.size() + 16);
    theirs.resize(cbor_serialize(item, theirs.data(), theirs.size()));
    cbor_decref(&item);
    ASSERT_EQ(HexEncode(theirs), HexEncode(ours)) << seed;

    cbor_load_result result;
    cbor_item_t* loaded = cbor_load(ours.data(), ours.size(), &result);
    ASSERT_NE(loaded, nullptr) << seed;
    ASSERT_EQ(result.read, ours.size());
    Bytes again(ours.size() + 16);
    again.resize(cbor_serialize(loaded, again.data(), again.size()));
    cbor_decref(&loaded);
    ASSERT_EQ(again, ours) << seed;
  }
}

}  // namespace
}  // namespace salus::codec
