#include "quire/tests/support/memory_vfs.hpp"

#include <sqlite3.h>

#include <new>
#include <string>
#include <utility>

namespace quire::tests {

namespace {

memory_disk* disk = nullptr; // SQLite knows a VFS for the whole process.
int open_files = 0;
std::function<void()> checkpoint_hook;

struct open_file : sqlite3_file {
  std::shared_ptr<memory_file> content;
  log_index::holder held;
  int level = 0;
  bool is_log = false;
  bool attached = false;
};

open_file& of(sqlite3_file* file) {
  return *static_cast<open_file*>(file);
}

int code_of(disk_verdict verdict, int failure) {
  if (verdict == disk_verdict::done)
    return SQLITE_OK;
  return verdict == disk_verdict::failed ? failure : SQLITE_FULL;
}

// -- methods of a file -----------------------------------------------------------

int unmap_index(sqlite3_file* raw, int) {
  auto& file = of(raw);
  if (file.attached)
    file.content->index.detach(file.held);
  file.attached = false;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* raw, int level) {
  of(raw).content->lock.lower(of(raw).level, level);
  return SQLITE_OK;
}

int close_file(sqlite3_file* raw) {
  unmap_index(raw, 0);
  unlock_file(raw, SQLITE_LOCK_NONE);
  of(raw).~open_file();
  --open_files;
  return SQLITE_OK;
}

int read_file(sqlite3_file* raw, void* to, int size, sqlite3_int64 offset) {
  if (disk->look(disk_operation::read) != disk_verdict::done)
    return SQLITE_IOERR_READ;
  std::span target{static_cast<unsigned char*>(to), static_cast<std::size_t>(size)};
  return of(raw).content->read(static_cast<std::size_t>(offset), target) ? SQLITE_OK
                                                                         : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* raw, const void* from, int size, sqlite3_int64 offset) {
  std::span data{static_cast<const unsigned char*>(from), static_cast<std::size_t>(size)};
  auto& file = of(raw);
  auto verdict = disk->write(*file.content, static_cast<std::size_t>(offset), data, file.is_log);
  return code_of(verdict, SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* raw, sqlite3_int64 size) {
  return code_of(disk->truncate(*of(raw).content, static_cast<std::size_t>(size)),
                 SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* raw, int) {
  return code_of(disk->sync(*of(raw).content), SQLITE_IOERR_FSYNC);
}

int size_of_file(sqlite3_file* raw, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(of(raw).content->size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file* raw, int level) {
  return of(raw).content->lock.raise(of(raw).level, level) ? SQLITE_OK : SQLITE_BUSY;
}

int check_reserved_lock(sqlite3_file* raw, int* reserved) {
  *reserved = of(raw).content->lock.reserved();
  return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) {
  return 4096;
}

int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_index(sqlite3_file* raw, int number, int size, int extend, void volatile** page) {
  auto& file = of(raw);
  auto& index = file.content->index;
  if (disk->powered() && disk->look(disk_operation::index) != disk_verdict::done)
    return SQLITE_IOERR_SHMMAP;
  if (!file.attached)
    index.attach();
  file.attached = true;
  *page = index.page(static_cast<std::size_t>(number), static_cast<std::size_t>(size), extend != 0);
  return SQLITE_OK;
}

int lock_index(sqlite3_file* raw, int first, int count, int flags) {
  auto& file = of(raw);
  auto& index = file.content->index;
  if (flags & SQLITE_SHM_UNLOCK) {
    index.unlock(file.held, first, count);
    return SQLITE_OK;
  }
  if (disk->powered() && disk->look(disk_operation::index) != disk_verdict::done)
    return SQLITE_IOERR_SHMLOCK;
  auto exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  return index.lock(file.held, first, count, exclusive) ? SQLITE_OK : SQLITE_BUSY;
}

void index_barrier(sqlite3_file*) {}

/// Nothing is mapped: SQLite reads instead.
int map_nothing(sqlite3_file*, sqlite3_int64, int, void** page) {
  *page = nullptr;
  return SQLITE_OK;
}

/// SQLite calls it where a mapped file must be forgotten. None is, so this is a place
/// between two steps of a checkpoint.
int forget_map(sqlite3_file*, sqlite3_int64, void*) {
  if (auto hook = std::exchange(checkpoint_hook, nullptr))
    hook();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods file_methods{3,
                                          close_file,
                                          read_file,
                                          write_file,
                                          truncate_file,
                                          sync_file,
                                          size_of_file,
                                          lock_file,
                                          unlock_file,
                                          check_reserved_lock,
                                          control_file,
                                          sector_size,
                                          characteristics,
                                          map_index,
                                          lock_index,
                                          index_barrier,
                                          unmap_index,
                                          map_nothing,
                                          forget_map};

// -- methods of the file system ----------------------------------------------------

int open_in_memory(sqlite3_vfs*, const char* name, sqlite3_file* raw, int flags, int* flags_got) {
  raw->pMethods = nullptr;
  if (disk->powered() && disk->look(disk_operation::open) != disk_verdict::done)
    return SQLITE_CANTOPEN;
  std::string key = name ? name : "temporary";
  auto content = name ? disk->find(key) : nullptr;
  if (!content && (flags & SQLITE_OPEN_CREATE))
    content = disk->create(key);
  if (!content)
    return SQLITE_CANTOPEN;
  auto* file = new (raw) open_file{};
  file->pMethods = &file_methods;
  file->content = std::move(content);
  file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  ++open_files;
  if (flags_got)
    *flags_got = flags;
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs*, const char* name, int) {
  if (disk->powered() && !disk->find(name))
    return SQLITE_IOERR_DELETE_NOENT;
  return code_of(disk->remove(name), SQLITE_IOERR_DELETE);
}

int check_access(sqlite3_vfs*, const char* name, int, int* there) {
  if (!disk->powered())
    return SQLITE_IOERR_ACCESS;
  auto file = disk->find(name);
  *there = file && file->size() > 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* to) {
  sqlite3_snprintf(size, to, "%s", name);
  return SQLITE_OK;
}

int give_random_bytes(sqlite3_vfs*, int count, char* to) {
  for (int i = 0; i < count; ++i)
    to[i] = static_cast<char>(disk->random_byte());
  return count;
}

int sleep_not(sqlite3_vfs*, int microseconds) {
  return microseconds;
}

int current_time_ms(sqlite3_vfs*, sqlite3_int64* now) {
  *now = 212'570'000'000'000; // Since noon of 24 November 4714 BC: some day in 2023.
  return SQLITE_OK;
}

int current_time(sqlite3_vfs*, double* now) {
  *now = 2'460'000.5;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

sqlite3_vfs make_vfs() {
  sqlite3_vfs vfs{};
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(open_file);
  vfs.mxPathname = 256;
  vfs.zName = memory_vfs_name;
  vfs.xOpen = open_in_memory;
  vfs.xDelete = remove_file;
  vfs.xAccess = check_access;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = give_random_bytes;
  vfs.xSleep = sleep_not;
  vfs.xCurrentTime = current_time;
  vfs.xCurrentTimeInt64 = current_time_ms;
  vfs.xGetLastError = last_error;
  return vfs;
}

} // namespace

plugged_disk::plugged_disk(memory_disk& plugged, std::uint64_t seed) {
  static auto vfs = make_vfs();
  sqlite3_vfs_register(&vfs, 0);
  disk = &plugged;
  // SQLite asks the default VFS for its seed, which is the machine's.
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed % 1'000'000'007) + 1,
                       static_cast<sqlite3*>(nullptr));
}

plugged_disk::~plugged_disk() {
  disk = nullptr;
  checkpoint_hook = nullptr;
}

void before_next_checkpoint(std::function<void()> hook) {
  checkpoint_hook = std::move(hook);
}

int open_files_of_memory_vfs() {
  return open_files;
}

} // namespace quire::tests
