// Package store counts in a sqlite file.
package store

/*
#cgo pkg-config: sqlite3
#include <sqlite3.h>
#include <stdlib.h>

static int value(void *out, int n, char **cells, char **names) { *(long *)out = atol(cells[0]); return 0; }
static int query(sqlite3 *db, const char *sql, long *out) { return sqlite3_exec(db, sql, value, out, NULL); }
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// A Store is an open file.
type Store struct{ db *C.sqlite3 }

// Open opens or makes the file.
func Open(path string) (*Store, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	s := &Store{}
	if code := C.sqlite3_open(name, &s.db); code != C.SQLITE_OK {
		return nil, fmt.Errorf("%s: sqlite error %d", path, code)
	}
	_, err := s.query("CREATE TABLE IF NOT EXISTS hit (id INTEGER PRIMARY KEY)")
	return s, err
}

// Hit counts one more and returns how many there are.
func (s *Store) Hit() (int, error) {
	return s.query("INSERT INTO hit DEFAULT VALUES; SELECT count(*) FROM hit")
}

func (s *Store) query(sql string) (int, error) {
	text := C.CString(sql)
	defer C.free(unsafe.Pointer(text))
	var out C.long
	if code := C.query(s.db, text, &out); code != C.SQLITE_OK {
		return 0, fmt.Errorf("sqlite error %d", code)
	}
	return int(out), nil
}
