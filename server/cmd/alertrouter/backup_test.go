// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// stop ends the program as an operator would.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("after SIGTERM: %v", err)
	}
}

// must makes a call that has to be answered with a status.
func (p *program) must(t *testing.T, want int, method, path, body string) string {
	t.Helper()
	status, answer, err := p.call(method, path, body)
	if err != nil || status != want {
		t.Fatalf("%s %s: got %d %s %v, want %d", method, path, status, answer, err, want)
	}
	return answer
}

const storeName = "alertrouter.db"

// openStore opens the store of a program that is stopped.
func openStore(t *testing.T, data string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(data, storeName), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// acceptance is an alert of an age, in a state of its delivery.
func acceptance(age time.Duration, to string, state delivery.State) intake.Acceptance {
	key := delivery.Key(uuid.Must(uuid.NewV7()))
	at := time.Now().Add(-age).UTC()
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		key[i] = byte(ms >> (8 * (5 - i)))
	}
	id := uuid.UUID(key).String()
	body := []byte(`{"alert_id":"` + id + `","type":"RULE","detection":{"id":"d","severity":"LOW"}}`)
	d := delivery.Delivery{
		ID: delivery.NewID(key, 0), AlertID: id, DestinationID: to, State: state, Cause: delivery.ByRoute, CreatedAt: at, Since: at,
	}
	if state.Open() {
		d.NextAttemptAt = at
	} else {
		d.SettledAt = at
	}
	return intake.Acceptance{
		Record: intake.Record{
			Key: key, AlertID: id, AcceptedAt: at, Body: body, Digest: intake.DigestOf(body),
			Route: route.Route{Scenario: route.StaticSeverity, Severity: alert.Low, Destinations: []route.Chosen{{ID: to, DisplayName: "one", Type: "webhook"}}, Warnings: []route.Warning{}},
		},
		Deliveries: []delivery.Delivery{d},
	}
}

// backupOf returns a backup of a program that is stopped.
func backupOf(t *testing.T, data string) (path string, content []byte) {
	t.Helper()
	s := openStore(t, data)
	var b bytes.Buffer
	if err := s.Backup(t.Context(), func(int64) (io.Writer, error) { return &b, nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b.Bytes()
}

// copyFile copies a small file, such as a key.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// holder counts what it takes by alert. Alerts whose id begins with "owed" it takes only once it is told to.
type holder struct {
	*httptest.Server
	release chan struct{} // closed when it takes everything

	mu    sync.Mutex
	taken map[string]int
}

func newHolder(t *testing.T) *holder {
	t.Helper()
	l := &holder{release: make(chan struct{}), taken: map[string]int{}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var payload struct {
			AlertID string `json:"alertId"`
		}
		_ = json.NewDecoder(r.Body).Decode(&payload)
		if strings.HasPrefix(payload.AlertID, "owed") {
			select {
			case <-l.release:
			case <-r.Context().Done():
				return
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.taken[payload.AlertID]++
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *holder) count(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken[id]
}

// load sends alerts over a few connections.
type load struct {
	sending      sync.WaitGroup
	done         chan struct{}
	mu           sync.Mutex
	acknowledged []string
}

func newLoad(t *testing.T, p *program) *load {
	t.Helper()
	l := &load{done: make(chan struct{})}
	for client := range 4 {
		l.sending.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.done:
					return
				default:
				}
				id := fmt.Sprintf("owed-%d-%d", client, n)
				status, answer, err := p.call("POST", "/v1/alerts", fmt.Sprintf(`{"alert_id":%q,"type":"RULE","detection":{"id":"d","severity":"LOW"}}`, id))
				if err != nil || status != http.StatusAccepted {
					t.Errorf("alert %s: got %d %s %v, want 202", id, status, answer, err)
					return
				}
				l.mu.Lock()
				l.acknowledged = append(l.acknowledged, id)
				l.mu.Unlock()
			}
		})
	}
	return l
}

// sent returns what was acknowledged by now.
func (l *load) sent() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acknowledged)
}

// stop ends the load.
func (l *load) stop() {
	close(l.done)
	l.sending.Wait()
}

// A backup taken under load and restored elsewhere has all that was acknowledged before it began: what was delivered
// is not delivered again, and what was owed is.
func TestBackup_RestoredElsewhereGoesOnWhereItWas(t *testing.T) {
	receiver := newHolder(t)
	data := t.TempDir()
	p := start(t, data)
	id := p.AddDestination(t, "one", receiver.URL, true, 0, "LOW")
	for i := range 20 {
		p.must(t, 202, "POST", "/v1/alerts", fmt.Sprintf(`{"alert_id":"done-%d","type":"RULE","detection":{"id":"d","severity":"LOW"}}`, i))
	}
	within(t, 30*time.Second, "the first alerts are not delivered", func() bool {
		return strings.Count(p.must(t, 200, "GET", "/v1/deliveries?state=DELIVERED", ""), `"state":"DELIVERED"`) == 20
	})

	l := newLoad(t, p)
	within(t, time.Minute, "the load does not begin", func() bool { return len(l.sent()) >= 200 })
	want := l.sent()
	file := filepath.Join(t.TempDir(), "backup.db")
	t.Setenv("ALERTROUTER_ENDPOINT", p.url)
	t.Setenv("ALERTROUTER_TOKEN", token)
	code, out, complaints := command(t, "", "backup", "--output", "json", file)
	during := len(l.sent()) - len(want)
	l.stop()
	p.kill(t) // stopping would wait for the attempts under way
	var report saved
	if err := json.Unmarshal([]byte(out), &report); code != exitDone || err != nil || report.Alerts < len(want)+20 || report.Open < len(want) || len(report.SHA256) != 64 {
		t.Fatalf("backup: got %d %s %s, want at least %d alerts, of which %d are owed", code, out, complaints, len(want)+20, len(want))
	}
	if during == 0 {
		t.Error("no alert was accepted while the backup was taken")
	}

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	code, out, complaints = command(t, "", "restore", "--data", elsewhere, file)
	if code != exitDone || !strings.Contains(out, "There is none here to check") {
		t.Fatalf("restore: got %d %s %s", code, out, complaints)
	}
	copyFile(t, filepath.Join(data, "master.key"), filepath.Join(elsewhere, "master.key"))
	close(receiver.release)
	restored := start(t, elsewhere)
	for _, alertID := range want {
		var stored struct {
			Deliveries []struct {
				DestinationID string `json:"destination_id"`
			}
		}
		answer := restored.must(t, 200, "GET", "/v1/alerts/"+alertID, "")
		if err := json.Unmarshal([]byte(answer), &stored); err != nil || len(stored.Deliveries) != 1 || stored.Deliveries[0].DestinationID != id {
			t.Fatalf("alert %s: got %s", alertID, answer)
		}
	}
	within(t, time.Minute, "what was owed is not delivered after the restore", func() bool {
		return !slices.ContainsFunc(want, func(alertID string) bool { return receiver.count(alertID) == 0 })
	})
	for i := range 20 {
		if n := receiver.count(fmt.Sprintf("done-%d", i)); n != 1 {
			t.Errorf("alert done-%d: delivered %d times", i, n)
		}
	}
	restored.stop(t)
}

// within waits until something is true.
func within(t *testing.T, patience time.Duration, complaint string, isTrue func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !isTrue(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s %s", patience, complaint)
		}
	}
}

func TestBackup_LeavesNothingThatIsNoBackup(t *testing.T) {
	p := start(t, t.TempDir())
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.db")
	t.Setenv("ALERTROUTER_TOKEN", token)
	code, whole, complaints := command(t, "", "backup", "--endpoint", p.url, "-")
	if code != exitDone || whole == "" {
		t.Fatalf("to standard output: got %d, %d bytes, %q", code, len(whole), complaints)
	}
	sound := []byte(whole)
	for name, c := range map[string]struct {
		want   string
		answer http.HandlerFunc
	}{
		"refused": {"There is no such right (403): it needs backup:read [request r]", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"type":"urn:alertrouter:problem:forbidden","title":"There is no such right","status":403,"detail":"it needs backup:read","request_id":"r"}`))
		}},
		"something else": {"is not the answer of an alertrouter control plane", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }},
		"broken off": {"broke off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(sound)))
			_, _ = w.Write(sound[:len(sound)/2])
		}},
		"cut by somebody in between": {"cut short", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(sound[:len(sound)/2]) }},
	} {
		h := httptest.NewServer(c.answer)
		code, out, complaints := command(t, "", "backup", "--endpoint", h.URL, file)
		h.Close()
		if entries, err := os.ReadDir(dir); code != exitFailed || !strings.Contains(complaints, c.want) || err != nil || len(entries) > 0 {
			t.Errorf("%s: got %d %q %q and %v, want %q and no file", name, code, out, complaints, entries, c.want)
		}
	}
	if code, out, complaints := command(t, "", "backup", "--endpoint", p.url, file); code != exitDone || !strings.Contains(out, "SHA-256") {
		t.Errorf("got %d %q %q", code, out, complaints)
	}
	if code, _, complaints := command(t, "", "backup", "--endpoint", p.url, file); code != exitUsage || !strings.Contains(complaints, "--force") {
		t.Errorf("again: got %d %q, want that there is one", code, complaints)
	}
	if code, _, complaints := command(t, "", "backup", "--endpoint", p.url, "--force", file); code != exitDone {
		t.Errorf("with --force: got %d %q", code, complaints)
	}
	if err := os.WriteFile(file, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, complaints := command(t, "", "store", "check", file); code != exitDone || !strings.Contains(out, "sound: ") {
		t.Errorf("what went to standard output: got %d %q %q", code, out, complaints)
	}
	p.stop(t)
}

func TestRestore_RefusesWhatItCannotUse(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	refused := func(want string, args ...string) {
		t.Helper()
		code, out, complaints := command(t, "", append([]string{"restore"}, args...)...)
		if code != exitFailed || !strings.Contains(complaints, want) {
			t.Errorf("restore %v: got %d %q %q, want %q", args, code, out, complaints, want)
		}
	}
	refused("stop it", "--data", data, "backup.db")
	p.stop(t)
	backup, raw := backupOf(t, data)
	refused("move "+filepath.Join(data, storeName)+" away", "--data", data, backup)

	short := filepath.Join(t.TempDir(), "short.db")
	if err := os.WriteFile(short, raw[:len(raw)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	refused("cut short", "--data", empty, short)
	refused("no such file", "--data", empty, filepath.Join(empty, "none"))

	left := t.TempDir()
	if err := os.WriteFile(filepath.Join(left, "alertrouter.wal.1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("alertrouter.wal.1", "--data", left, backup)

	other := filepath.Join(t.TempDir(), "other.key")
	if err := os.WriteFile(other, []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("another master key", "--data", empty, "--master-key-file", other, backup)
	refused("no such file", "--data", empty, "--master-key-file", other+"-missing", backup)
	t.Setenv("ALERTROUTER_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	refused("another master key", "--data", empty, backup)
	t.Setenv("ALERTROUTER_MASTER_KEY", "")
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Fatalf("the refused left %v, %v", entries, err)
	}

	key := filepath.Join(data, "master.key")
	code, out, complaints := command(t, "", "restore", "--data", empty, "--master-key-file", key, backup)
	if code != exitDone || !strings.Contains(out, "The master key opens it") {
		t.Errorf("got %d %q %q", code, out, complaints)
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) != 1 || entries[0].Name() != storeName {
		t.Errorf("got %v, %v, want the store and nothing else", entries, err)
	}
}

func TestRestore_TakesDamagedRecordsOnlyWhenTold(t *testing.T) {
	data := t.TempDir()
	start(t, data).stop(t)
	s := openStore(t, data)
	a := acceptance(0, "one", delivery.Delivered)
	a.Record.Digest[0] ^= 1
	if _, err := s.Accept(t.Context(), []intake.Acceptance{a}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	backup, empty := filepath.Join(data, storeName), t.TempDir()
	if code, _, complaints := command(t, "", "restore", "--data", empty, backup); code != exitFailed || !strings.Contains(complaints, "--force") || !strings.Contains(complaints, "the digest differs") {
		t.Errorf("got %d %q, want what is damaged", code, complaints)
	}
	if code, _, complaints := command(t, "", "restore", "--data", empty, "--force", backup); code != exitDone {
		t.Errorf("with --force: got %d %q", code, complaints)
	}
	if code, _, complaints := command(t, "", "store", "check", "--data", empty); code != exitFailed || !strings.Contains(complaints, "the digest differs") {
		t.Errorf("store check: got %d %q", code, complaints)
	}
}

func TestStore_IsCompactedAndCheckedWhileNobodyUsesIt(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	for _, what := range []string{"compact", "check"} {
		if code, _, complaints := command(t, "", "store", what, "--data", data); code != exitFailed || !strings.Contains(complaints, "another process has the store open") {
			t.Errorf("store %s: got %d %q, want that a process has it open", what, code, complaints)
		}
		if code, _, complaints := command(t, "", "store", what, "--data", t.TempDir()); code != exitFailed || !strings.Contains(complaints, "there is no store") {
			t.Errorf("store %s: got %d %q, want that there is none", what, code, complaints)
		}
	}
	p.must(t, 202, "POST", "/v1/alerts", `{"alert_id":"a","type":"RULE","detection":{"id":"d","severity":"LOW"}}`)
	p.stop(t)
	if code, out, complaints := command(t, "", "store", "check", "--data", data); code != exitDone || !strings.Contains(out, "1 alerts") {
		t.Errorf("got %d %q %q", code, out, complaints)
	}
	code, out, complaints := command(t, "", "store", "compact", "--output", "json", "--data", data)
	var sizes struct {
		Before int64 `json:"bytes_before"`
		After  int64 `json:"bytes_after"`
	}
	if err := json.Unmarshal([]byte(out), &sizes); code != exitDone || err != nil || sizes.After <= 0 || sizes.After > sizes.Before {
		t.Errorf("got %d %q %q", code, out, complaints)
	}
	p = start(t, data)
	p.must(t, 200, "GET", "/v1/alerts/a", "")
	p.stop(t)
}

func TestServe_RemovesAlertsOlderThanTheRetention(t *testing.T) {
	data := t.TempDir()
	start(t, data).stop(t)
	s := openStore(t, data)
	var ids []string
	for _, a := range []intake.Acceptance{
		acceptance(50*time.Hour, "one", delivery.Delivered), acceptance(47*time.Hour, "one", delivery.Delivered), acceptance(0, "one", delivery.Delivered),
	} {
		if _, err := s.Accept(t.Context(), []intake.Acceptance{a}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.Record.AlertID)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALERTROUTER_RETENTION", "2d")
	p := start(t, data)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if strings.Contains(p.must(t, 200, "GET", "/metrics", ""), "alertrouter_alerts_removed_total 1\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it was not removed")
		}
	}
	p.must(t, 404, "GET", "/v1/alerts/"+ids[0], "")
	p.must(t, 200, "GET", "/v1/alerts/"+ids[1], "")
	p.must(t, 200, "GET", "/v1/alerts/"+ids[2], "")
	p.stop(t)
	for _, wrong := range []string{"30", "-1d", "1.5d"} {
		if code, _, complaints := command(t, "", "serve", "--data", data, "--retention="+wrong); code != exitUsage || !strings.Contains(complaints, "retention") {
			t.Errorf("--retention=%s: got %d %q", wrong, code, complaints)
		}
	}
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("retention: 7d\ndelivery_max_age: 1d12h\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALERTROUTER_RETENTION", "")
	var c commands
	if parsed, _ := parse(t.Context(), []string{"serve", "--config", file}, streams{nil, io.Discard, io.Discard}, &c); parsed == nil ||
		c.Serve.Settings.Retention != 7*24*time.Hour || c.Serve.Settings.DeliveryMaxAge != 36*time.Hour {
		t.Errorf("from a file: got %s and %s", c.Serve.Settings.Retention, c.Serve.Settings.DeliveryMaxAge)
	}
}

// The real program is in the middle of a download.
func TestBackup_LeavesNothingWhenInterrupted(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-r.Context().Done()
	}))
	defer h.Close()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "backup", "--endpoint", h.URL, filepath.Join(dir, "backup.db"))
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	<-begun
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	entries, err := os.ReadDir(dir)
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || complaints.String() != "alertrouter: interrupted\n" || err != nil || len(entries) > 0 {
		t.Errorf("got %d %q and left %v (%v), want that it was interrupted and nothing left", code, complaints.String(), entries, err)
	}
}
