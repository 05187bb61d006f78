// Package magic asks libmagic what bytes are.
package magic

/*
#cgo LDFLAGS: -lmagic
#include <magic.h>
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"sync"
	"unsafe"
)

// Library is an open database; its methods may be called by several goroutines.
type Library struct {
	mutex  sync.Mutex
	handle C.magic_t
}

// Open loads the default database.
func Open() (*Library, error) {
	handle := C.magic_open(C.MAGIC_MIME_TYPE)
	if handle == nil {
		return nil, errors.New("magic_open failed")
	}
	if C.magic_load(handle, nil) != 0 {
		return nil, errors.New(C.GoString(C.magic_error(handle)))
	}
	return &Library{handle: handle}, nil
}

// Type returns the media type of data.
func (l *Library) Type(data []byte) (string, error) {
	if len(data) == 0 {
		return "inode/x-empty", nil
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	answer := C.magic_buffer(l.handle, unsafe.Pointer(&data[0]), C.size_t(len(data)))
	if answer == nil {
		return "", errors.New(C.GoString(C.magic_error(l.handle)))
	}
	return C.GoString(answer), nil
}
