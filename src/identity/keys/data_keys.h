// The sealer over the table data_keys: values are sealed under data keys, and those are stored wrapped by the
// keyring's key-encryption key (docs/formats/sealing.md). Data keys are few and are all kept in memory.
//
// When the key-encryption key has a new version, advance() brings everything under it, step by step: a data
// key of its own for what is sealed from then on, the older data keys wrapped anew, the values sealed anew.
// Each step is one transaction that can be stopped and repeated anywhere; nothing but the database says how
// far it is.
//
// A keyring that lost the version a data key is wrapped with opens as ever; values under that data key answer
// Errc::corrupt.
#pragma once

#include <memory>

#include "audit/event.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "crypto/sealer.h"
#include "db/database.h"

namespace bulkhead::identity {

// Where a pass over all that is sealed has come to. Value-initialised: at the beginning.
struct ResealCursor {
  std::int64_t stage = 0;  // the data keys, then one table after another
  std::int64_t after = 0;  // the row that was looked at last
};

struct ResealProgress {
  ResealCursor next;
  std::int64_t changed = 0;     // in this step
  std::int64_t unreadable = 0;  // in this step: their key is gone, or they were damaged
  bool finished = false;        // the pass has seen everything
};

class DataKeys final : public crypto::Sealer {
 public:
  // Both must outlive this. Makes the first data key, and another when none of the keyring's own is there.
  static Result<std::unique_ptr<DataKeys>> open(db::Database& database, const crypto::Keyring& keyring,
                                                const Clock& clock);
  ~DataKeys() override;

  Result<std::string> seal(const crypto::SealContext& where, const Secret<>& plain) override;
  Result<Secret<>> open(const crypto::SealContext& where, std::string_view sealed) override;

  // One step of a pass: at most `batch` rows, in one transaction. Begins by making the data key that belongs
  // to the current key-encryption key. Blocking; several at once do not harm each other.
  Result<ResealProgress> advance(const ResealCursor& from, std::size_t batch, const audit::Origin& origin);

  // How many data keys and values a pass would still change. Reads every sealed row's front: seconds for
  // millions.
  struct Left {
    std::int64_t data_keys = 0;
    std::int64_t values = 0;
    std::int64_t lost_values = 0;  // besides: no pass changes those, for the keyring does not open their key
  };
  Result<Left> left();

  // Removes data keys that have been out of use for a day and that no value needs. How many.
  Result<std::int64_t> remove_unneeded(const audit::Origin& origin);

  // Reads the table again: what other processes have made is used from then on.
  Result<void> refresh();

  // Data keys that the keyring does not open.
  std::size_t unreadable() const;

 private:
  struct State;
  explicit DataKeys(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity
