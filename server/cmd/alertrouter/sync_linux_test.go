// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Parts of ptrace(2) that package syscall leaves out.
const (
	ptraceSeize          = 0x4206
	ptraceInterrupt      = 0x4207
	ptraceGetSyscallInfo = 0x420e
	waitAll              = 0x40000000 // threads, too
	syscallStop          = syscall.SIGTRAP | 0x80
	infoEntry, infoExit  = 1, 2
)

// syscallInfo is the kernel's struct ptrace_syscall_info, of an entry. At an exit nr is the result.
type syscallInfo struct {
	op   uint8
	_    [3]uint8
	_    uint32
	_, _ uint64
	nr   uint64
	args [6]uint64
	_    [16]uint8
}

// tracer follows every system call of a program, and judges each answer of 202 at the moment it is to be sent: by then
// a file of the data directory must have been written for this request, and synced after that.
type tracer struct {
	pid  int
	data string

	mu       sync.Mutex
	written  map[string]bool // files written for the request under way
	synced   bool            // one of them was, after it had been written
	answers  int             // of 202
	unsynced int             // those that were sent too early
	failure  error           // of the tracing itself
}

// begin forgets what was before a request.
func (tr *tracer) begin() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	clear(tr.written)
	tr.synced = false
}

func (tr *tracer) result() (answers, unsynced int, failure error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.answers, tr.unsynced, tr.failure
}

// follow traces all threads until the program is gone. attached is closed once it has them.
func (tr *tracer) follow(attached chan<- struct{}) {
	runtime.LockOSThread() // only the thread that attached may ask
	defer runtime.UnlockOSThread()
	err := tr.attach()
	close(attached)
	calls := map[int]*call{}
	for err == nil {
		var status syscall.WaitStatus
		var thread int
		thread, err = syscall.Wait4(-1, &status, waitAll, nil)
		switch {
		case err == syscall.EINTR: //nolint:errorlint // it is a plain number
			err = nil
			continue
		case err == syscall.ECHILD: //nolint:errorlint // as above; it is gone, and somebody else was told
			return
		case err != nil:
		case !status.Stopped():
			if thread == tr.pid {
				return
			}
			continue
		}
		pass := 0 // a signal that is the program's own
		switch {
		case err != nil:
			continue
		case status.StopSignal() == syscallStop:
			err = tr.note(thread, calls)
		case status>>16 == 0:
			pass = int(status.StopSignal())
		}
		_ = syscall.PtraceSyscall(thread, pass) // one that was killed meanwhile is told of by Wait4
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.failure = err
}

// attach takes every thread there is; those to come follow by themselves.
func (tr *tracer) attach() error {
	known := map[int]bool{}
	for {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", tr.pid))
		if err != nil {
			return err
		}
		before := len(known)
		for _, e := range entries {
			thread, err := strconv.Atoi(e.Name())
			if err != nil {
				return err
			}
			if known[thread] {
				continue
			}
			known[thread] = true
			options := uintptr(syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE)
			if _, _, e := syscall.Syscall6(syscall.SYS_PTRACE, ptraceSeize, uintptr(thread), 0, options, 0, 0); e == syscall.EPERM && thread != tr.pid {
				continue // one that is new and followed already
			} else if e != 0 {
				return fmt.Errorf("trace the program: %w", e)
			}
			if _, _, e := syscall.Syscall6(syscall.SYS_PTRACE, ptraceInterrupt, uintptr(thread), 0, 0, 0, 0); e != 0 {
				return fmt.Errorf("stop the program: %w", e)
			}
		}
		if len(known) == before {
			return nil
		}
	}
}

// call is a system call that a thread is in.
type call struct {
	nr, fd uint64
	file   string // in the data directory; "" is another
	dirty  bool   // a sync that began after the file had been written for the request
}

// note takes down the entry or the end of a system call.
func (tr *tracer) note(thread int, calls map[int]*call) error {
	var info syscallInfo
	_, _, e := syscall.Syscall6(syscall.SYS_PTRACE, ptraceGetSyscallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if e == syscall.ESRCH { // it was killed
		return nil
	} else if e != 0 {
		return fmt.Errorf("read a system call: %w", e)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c := calls[thread]
	switch {
	case info.op == infoEntry:
		c = &call{nr: info.nr, fd: info.args[0]}
		calls[thread] = c
		switch c.nr {
		case syscall.SYS_WRITE, syscall.SYS_PWRITE64, syscall.SYS_WRITEV, syscall.SYS_PWRITEV, syscall.SYS_FSYNC, syscall.SYS_FDATASYNC:
			c.file = tr.file(c.fd)
			c.dirty = tr.written[c.file]
		}
		if c.nr == syscall.SYS_WRITE && c.file == "" {
			tr.judge(thread, uintptr(info.args[1]), info.args[2])
		}
	case info.op == infoExit && c != nil && c.file != "" && int64(info.nr) >= 0:
		switch c.nr {
		case syscall.SYS_FSYNC, syscall.SYS_FDATASYNC:
			tr.synced = tr.synced || c.dirty
		default:
			tr.written[c.file] = true
			tr.synced = tr.synced || tr.syncsItself(c.fd)
		}
	}
	return nil
}

// file returns the name of a file in the data directory that is open under a number; "" for anything else.
func (tr *tracer) file(fd uint64) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tr.pid, fd))
	if err != nil || !strings.HasPrefix(name, tr.data+"/") {
		return ""
	}
	return name
}

// syncsItself reports whether a file was opened so that each write is a sync.
func (tr *tracer) syncsItself(fd uint64) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", tr.pid, fd))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(raw), "flags:")
	flags, err := strconv.ParseUint(strings.Fields(rest)[0], 8, 64)
	return err == nil && flags&syscall.O_DSYNC != 0
}

// judge looks at what is about to be written to a connection.
func (tr *tracer) judge(thread int, address uintptr, size uint64) {
	const answer = "HTTP/1.1 202"
	text := make([]byte, len(answer))
	if size < uint64(len(answer)) {
		return
	}
	if n, err := syscall.PtracePeekData(thread, address, text); err != nil || n < len(text) || string(text) != answer {
		return
	}
	tr.answers++
	if !tr.synced {
		tr.unsynced++
	}
}

// An answer of 202 leaves only when what it acknowledges was written and synced: a loss of power then takes nothing.
func TestSync_ComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	if !isolated(t) { // in a process of its own there is nobody else's child to wait for
		return
	}
	data, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := launch(data).Start(t)
	tr := &tracer{pid: p.Process.Pid, data: data, written: map[string]bool{}}
	attached, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tr.follow(attached)
	}()
	<-attached
	const alerts = 50
	for n := range alerts {
		time.Sleep(10 * time.Millisecond) // what a request leaves behind is not taken for the next one's
		tr.begin()
		answer, err := p.Post("/v1/alerts", smallAlert(fmt.Sprint("sync-", n))) // routed nowhere: nothing else is written
		if _, _, failure := tr.result(); failure != nil {
			t.Fatal(failure)
		}
		if err != nil || answer.Status != http.StatusAccepted {
			t.Fatalf("got %d %s %v, want 202", answer.Status, answer.Body, err)
		}
	}
	p.Kill()
	<-over
	answers, unsynced, failure := tr.result()
	if failure != nil || answers != alerts || unsynced > 0 {
		t.Errorf("saw %d answers of %d, %d of them sent before what they acknowledge was synced (%v)", answers, alerts, unsynced, failure)
	}
	t.Logf("%d answers, each after a sync of its own", answers)
}
