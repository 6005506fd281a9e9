// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/server/faulttest"
)

// inNamespace says that a test runs where it may mount things that nobody else sees.
const inNamespace = "ALERTROUTER_TEST_IN_NAMESPACE"

// isolated runs the test again in a mount namespace of its own and, there, returns true.
func isolated(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatalf("make the mounts private: %v", err)
		}
		return true
	}
	if testing.Short() {
		t.Skip("SKIPPED with -short: it takes minutes where the program is built with the race detector")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=25m")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if id := os.Getuid(); id != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	runtime.LockOSThread() // the signal comes when the thread that started it ends
	defer runtime.UnlockOSThread()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("this test mounts a small file system, and this machine gives it no namespace to do so in: %v; run it as root, or permit user namespaces", err)
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }() // its programs too
	err := cmd.Wait()
	if err != nil || !strings.Contains(out.String(), "--- PASS: "+t.Name()) {
		t.Errorf("in a namespace of its own: %v\n%s", err, out.String())
		return false
	}
	t.Log(out.String())
	return false
}

// disk is a small file system of its own.
type disk struct{ path string }

const diskSize = 64 << 20

func mountDisk(t *testing.T) disk {
	t.Helper()
	d := disk{t.TempDir()}
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(d.path, syscall.MNT_DETACH) })
	return d
}

// grow doubles the room.
func (d disk) grow(t *testing.T) {
	t.Helper()
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", 2*diskSize)); err != nil {
		t.Fatal(err)
	}
}

// fill writes a foreign file that takes all the room there is, and returns its name.
func (d disk) fill(t *testing.T) string {
	t.Helper()
	f, err := os.Create(filepath.Join(d.path, "foreign"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}

// receiver is a destination that takes everything, or nothing.
type receiver struct {
	*httptest.Server
	refuses atomic.Bool

	mu    sync.Mutex
	taken map[string]int // by alert
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{taken: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var payload struct{ AlertID string }
		if err := json.NewDecoder(q.Body).Decode(&payload); err != nil || r.refuses.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.taken[payload.AlertID]++
	}))
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

func (r *receiver) took(alertID string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken[alertID]
}

func (r *receiver) total() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.taken {
		n += times
	}
	return n
}

// ledger is what was sent, and how it was answered.
type ledger struct {
	accepted, refused []string
}

// largeAlert is an alert of about 250 KB that no file system can keep in less.
func largeAlert(id string) string {
	noise := make([]byte, 125<<10)
	_, _ = rand.Read(noise)
	return fmt.Sprintf(`{"alert_id":%q,"type":"RULE","detection":{"id":"Disk.Test","severity":"LOW"},"context":{"noise":%q}}`, id, hex.EncodeToString(noise))
}

// send sends one alert and returns the answer, which is 202 or a proper 503.
func (l *ledger) send(t *testing.T, p *faulttest.Program, id string) faulttest.Answer {
	t.Helper()
	answer, err := p.Post("/v1/alerts", largeAlert(id))
	if err != nil {
		t.Fatalf("send %s: %v; the program said:\n%s", id, err, p.Log())
	}
	switch answer.Status {
	case http.StatusAccepted:
		l.accepted = append(l.accepted, id)
	case http.StatusServiceUnavailable:
		l.refused = append(l.refused, id)
		wantUnavailable(t, answer)
	default:
		t.Fatalf("send %s: got %d %s, want 202 or 503", id, answer.Status, answer.Body)
	}
	return answer
}

// sendUntilRefused sends alerts until one is refused, then a few more and a batch.
func (l *ledger) sendUntilRefused(t *testing.T, p *faulttest.Program, prefix string) {
	t.Helper()
	before := len(l.refused)
	for n := 0; len(l.refused) == before; n++ {
		if n > 2*diskSize/(250<<10) {
			t.Fatalf("%d alerts of 250 KB were accepted on a disk of %d bytes", n, diskSize)
		}
		l.send(t, p, fmt.Sprintf("%s-%d", prefix, n))
	}
	for n := range 3 {
		l.send(t, p, fmt.Sprintf("%s-after-%d", prefix, n))
	}
	var lines strings.Builder
	ids := []string{prefix + "-batch-0", prefix + "-batch-1", prefix + "-batch-2"}
	for _, id := range ids {
		lines.WriteString(largeAlert(id) + "\n")
	}
	answer, err := p.Call(http.MethodPost, "/v1/alerts/batch", "application/x-ndjson", strings.NewReader(lines.String()))
	switch {
	case err != nil:
		t.Fatal(err)
	case answer.Status == http.StatusServiceUnavailable:
		wantUnavailable(t, answer)
		l.refused = append(l.refused, ids...)
	case answer.Status == http.StatusOK && strings.Count(string(answer.Body), `"status":202`) == len(ids):
		l.accepted = append(l.accepted, ids...)
	default:
		t.Fatalf("a batch on a full disk: got %d %s, want all of it or a 503", answer.Status, answer.Body)
	}
}

// wantUnavailable sees that a 503 says when to come back and is a problem document.
func wantUnavailable(t *testing.T, a faulttest.Answer) {
	t.Helper()
	var document struct {
		Type, Title, Detail string
		Status              int
	}
	err := json.Unmarshal(a.Body, &document)
	if a.Status != http.StatusServiceUnavailable || err != nil || document.Status != a.Status || document.Detail == "" ||
		a.Header.Get("Retry-After") == "" || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %v %s, want a 503 with Retry-After and a problem document", a.Status, a.Header, a.Body)
	}
}

// wantFull sees what a program does that cannot write: it says so, it lives, and it reads.
func (l *ledger) wantFull(t *testing.T, p *faulttest.Program) {
	t.Helper()
	ready, err := p.Call(http.MethodGet, "/readyz", "", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, ready)
	for _, path := range []string{"/healthz", "/metrics", "/v1/alerts?limit=1000", "/v1/deliveries?limit=1000", "/v1/alerts/" + l.accepted[0]} {
		if answer, err := p.Call(http.MethodGet, path, "", http.NoBody); err != nil || answer.Status != http.StatusOK {
			t.Errorf("%s while nothing can be written: got %d %v, want 200", path, answer.Status, err)
		}
	}
}

// wantWhole sees that every accepted alert is there with its delivery, and every refused one too or not at all.
func (l *ledger) wantWhole(t *testing.T, p *faulttest.Program) {
	t.Helper()
	read := func(id string) (client.AlertDetail, int) {
		answer, err := p.Call(http.MethodGet, "/v1/alerts/"+id, "", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		var detail client.AlertDetail
		if answer.Status == http.StatusOK {
			if err := json.Unmarshal(answer.Body, &detail); err != nil {
				t.Fatal(err)
			}
		}
		return detail, answer.Status
	}
	for _, id := range l.accepted {
		if detail, status := read(id); status != http.StatusOK || len(detail.Deliveries) != 1 || len(detail.Route.Destinations) != 1 {
			t.Errorf("%s was accepted: got %d with %d deliveries, want it with one", id, status, len(detail.Deliveries))
		}
	}
	kept := 0
	for _, id := range l.refused {
		detail, status := read(id)
		if status == http.StatusOK {
			kept++
		}
		if whole := status == http.StatusOK && len(detail.Deliveries) == 1; !whole && status != http.StatusNotFound {
			t.Errorf("%s was refused: got %d with %d deliveries, want it whole or not at all", id, status, len(detail.Deliveries))
		}
	}
	t.Logf("%d alerts accepted; %d refused, of which %d are there", len(l.accepted), len(l.refused), kept)
}

// wantReady waits until the program can write again, without a restart.
func wantReady(t *testing.T, p *faulttest.Program) {
	t.Helper()
	var answer faulttest.Answer
	var err error
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if answer, err = p.Call(http.MethodGet, "/readyz", "", http.NoBody); err == nil && answer.Status == http.StatusOK {
			return
		}
	}
	t.Fatalf("not ready although there is room: %d %s %v; the program said:\n%s", answer.Status, answer.Body, err, p.Log())
}

// wantDelivered waits until all that was accepted is DELIVERED, which takes minutes if some were refused four times, and sees how often the receiver took each.
func (l *ledger) wantDelivered(t *testing.T, p *faulttest.Program, r *receiver, kills int) {
	t.Helper()
	var open client.DeliveryList
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if err := p.Get("/v1/deliveries?state=PENDING&state=RETRYING&state=FAILED", &open); err != nil {
			t.Fatal(err)
		}
		if len(open.Items) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries are not DELIVERED, such as %+v; the program said:\n%s", len(open.Items), open.Items[0], p.Log())
		}
	}
	again := 0
	for _, id := range l.accepted {
		n := r.took(id)
		if n == 0 {
			t.Errorf("%s is DELIVERED, but the receiver did not take it", id)
		}
		again += max(n-1, 0)
	}
	if again > 8*kills {
		t.Errorf("%d deliveries were made again after %d kills, want at most the 8 in flight at each", again, kills)
	}
}

// A foreign file takes all the room, and goes again. The program lives through it.
func TestDisk_FullIsSaidAndRecoversWithoutARestart(t *testing.T) {
	t.Parallel()
	if !isolated(t) {
		return
	}
	d, r, l := mountDisk(t), newReceiver(t), &ledger{}
	r.refuses.Store(true)
	p := launch(filepath.Join(d.path, "data")).Start(t)
	p.AddDestination(t, "receiver", r.URL, true, 0, "LOW")
	for n := range 20 {
		l.send(t, p, fmt.Sprintf("before-%d", n))
	}
	foreign := d.fill(t)
	l.sendUntilRefused(t, p, "full")
	l.wantFull(t, p)
	l.wantWhole(t, p)

	r.refuses.Store(false) // what was accepted is tried although nothing can be recorded
	for deadline := time.Now().Add(2 * time.Minute); r.total() == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no delivery is tried while the disk is full; the program said:\n%s", p.Log())
		}
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	wantReady(t, p)
	if answer := l.send(t, p, "afterwards"); answer.Status != http.StatusAccepted {
		t.Errorf("with room again: got %d %s, want 202", answer.Status, answer.Body)
	}
	l.wantWhole(t, p)
	l.wantDelivered(t, p, r, 0)
	p.Terminate(t)
	wantSound(t, p)
}

// Alerts take all the room; then the program is killed, and started on the full disk.
func TestDisk_FullSurvivesAKill(t *testing.T) {
	t.Parallel()
	if !isolated(t) {
		return
	}
	d, r, l := mountDisk(t), newReceiver(t), &ledger{}
	start := launch(filepath.Join(d.path, "data"))
	p := start.Start(t)
	p.AddDestination(t, "receiver", r.URL, true, 0, "LOW")
	l.sendUntilRefused(t, p, "first")
	l.wantFull(t, p)
	p.Kill()
	wantSound(t, p)

	p = start.Begin(t)
	if p.ReadyOrEnded(t) {
		l.wantWhole(t, p)
		l.sendUntilRefused(t, p, "second")
		l.wantFull(t, p)
		p.Kill()
	} else {
		wantRefusal(t, p, filepath.Join(d.path, "data"))
	}
	wantSound(t, p)

	d.grow(t)
	p = start.Start(t)
	wantReady(t, p)
	if answer := l.send(t, p, "afterwards"); answer.Status != http.StatusAccepted {
		t.Errorf("with room again: got %d %s, want 202", answer.Status, answer.Body)
	}
	l.wantWhole(t, p)
	l.wantDelivered(t, p, r, 2)
	p.Terminate(t)
	wantSound(t, p)
}

// wantRefusal sees that the program ended at its start with one clear line.
func wantRefusal(t *testing.T, p *faulttest.Program, names string) {
	t.Helper()
	said := p.Log()
	last := said[strings.LastIndex(said, "\n")+1:]
	if code := p.ExitCode(t); code != exitFailed || !strings.HasPrefix(last, "alertrouter: ") || !strings.Contains(last, names) {
		t.Errorf("got exit code %d and\n%s\nwant 1 and a last line that names %s", code, said, names)
	}
	wantSound(t, p)
}

// readOnly covers a directory with itself, read-only, and returns how to take that away. What is open for writing stays
// so: Linux makes no file system read-only that has such files.
func readOnly(t *testing.T, path string) (end func()) {
	t.Helper()
	if err := syscall.Mount(path, path, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Create(filepath.Join(path, "x")); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("the directory is not read-only: %v", err)
	}
	return func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}
}

// A data directory that cannot be written to is refused at the start, whether it has a store or not.
func TestDisk_AReadOnlyDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	if !isolated(t) {
		return
	}
	d := mountDisk(t)
	data := filepath.Join(d.path, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	refused := func(data string) {
		t.Helper()
		p := launch(data).Begin(t)
		p.ExitCode(t)
		wantRefusal(t, p, data)
	}
	end := readOnly(t, d.path)
	refused(data)
	refused(filepath.Join(d.path, "missing"))
	end()
	p := launch(data).Start(t)
	p.Kill()
	end = readOnly(t, d.path)
	refused(data)
	end()
	launch(data).Start(t).Terminate(t)
}

// The directory turns read-only under the running program, which may go on as long as it needs no new file. Nothing
// that it accepts is lost, and it needs no restart afterwards.
func TestDisk_ADirectoryThatTurnsReadOnlyLosesNothing(t *testing.T) {
	t.Parallel()
	if !isolated(t) {
		return
	}
	d, r, l := mountDisk(t), newReceiver(t), &ledger{}
	data := filepath.Join(d.path, "data")
	p := launch(data).Start(t)
	p.AddDestination(t, "receiver", r.URL, true, 0, "LOW")
	l.send(t, p, "before")
	end := readOnly(t, d.path)
	for n := range 100 {
		l.send(t, p, fmt.Sprintf("during-%d", n))
	}
	if len(l.refused) > 0 {
		l.wantFull(t, p)
	}
	l.wantWhole(t, p)
	end()
	wantReady(t, p)
	if answer := l.send(t, p, "afterwards"); answer.Status != http.StatusAccepted {
		t.Errorf("writable again: got %d %s, want 202", answer.Status, answer.Body)
	}
	p.Kill()
	p = launch(data).Start(t)
	l.wantWhole(t, p)
	l.wantDelivered(t, p, r, 1)
	p.Terminate(t)
	wantSound(t, p)
}
