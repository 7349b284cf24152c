#include "audit/directory.h"

#include <gtest/gtest.h>

#include "audit/directory_rows.h"
#include "base/test_folder.h"
#include "codec/cbor.h"

namespace salus::audit {
namespace {

TEST(DirectoryTest, NoTwoSourcesShareANumber) {
  const TestFolder folder;
  const auto directory = Directory::Create(folder / "control.db").value();
  EXPECT_EQ(directory->NextSourceNumber().value(), 1);
  ASSERT_TRUE(directory->Put(SourceRow{"a", "", 65'534, {}}));
  EXPECT_EQ(directory->NextSourceNumber().value(), 65'535);
  ASSERT_TRUE(directory->Put(SourceRow{"b", "", 65'535, {}}));
  const auto next = directory->NextSourceNumber();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kResourceExhausted);
}

TEST(DirectoryTest, RowsWithNumbersThatDoNotFitAreRefused) {
  const auto source = [](std::uint64_t number) {
    Bytes out;
    codec::CborWriter writer(out);
    writer.Map(3);
    writer.Uint(1);
    writer.Text("ehr-1");
    writer.Uint(2);
    writer.Text("");
    writer.Uint(3);
    writer.Uint(number);
    return DecodeSourceRow(out);
  };
  EXPECT_EQ(source(1).value().number, 1);
  EXPECT_EQ(source(65'535).value().number, 65'535);
  // 65,537 would be source 1 in a record's 16 bits, and 0 stands for the server itself.
  for (const std::uint64_t number : {0ull, 65'536ull, 65'537ull, 1ull << 32}) {
    const auto row = source(number);
    ASSERT_FALSE(row) << number;
    EXPECT_EQ(row.error().code, ErrorCode::kCorruption);
  }
  const Subject subject{SubjectKind::kPatient, "", "p-17"};
  const MandateRow mandate{subject, subject, {}, "review", FromUnixDay(20'412), {}, {}};
  Bytes encoded = EncodeRow(mandate);
  ASSERT_TRUE(DecodeMandateRow(encoded));
  // The same day, plus 2^32: label 5 is in front of "no last day".
  const Bytes day = {0x05, 0x19, 0x4f, 0xbc, 0x06, 0xf6};
  ASSERT_TRUE(Equal(ByteSpan(encoded).last(day.size()), day));
  encoded.resize(encoded.size() - day.size());
  Append(encoded, Bytes{0x05, 0x1b, 0, 0, 0, 1, 0, 0, 0x4f, 0xbc, 0x06, 0xf6});
  EXPECT_FALSE(DecodeMandateRow(encoded));
}

}  // namespace
}  // namespace salus::audit
