// SPDX-License-Identifier: MPL-2.0

package bolt_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt/wal"
)

var models = flag.Int("models", 4, "how many stores to compare with a model, each with a seed of its own")

// TestStore_KeepsToAModelThroughFaultsAndKills does random things to a store, with a disk that fails in every way it
// can, kills it and closes it in the middle, and compares what it says with what it promised.
func TestStore_KeepsToAModelThroughFaultsAndKills(t *testing.T) {
	t.Parallel()
	for seed := range uint64(*models) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			m := newModel(t, seed)
			for range modelSteps {
				m.step()
			}
			m.finish()
		})
	}
}

const modelSteps = 400

var modelDestinations = []string{"one", "two", "three"}

// model is a store, and what it must know.
type model struct {
	t          *testing.T
	random     *rand.Rand
	root, path string
	lives      int
	store      *bolt.Store
	disk       *faultyDisk
	alerts     []*modelAlert
	deliveries map[delivery.ID]*modelDelivery
}

type modelAlert struct {
	intake.Record
	deliveries []delivery.ID
}

type modelDelivery struct {
	state    delivery.State
	attempts int
	maybe    int // attempts that could not be recorded, and may be found after a crash all the same
	claimed  bool
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), root: t.TempDir(), deliveries: map[delivery.ID]*modelDelivery{},
	}
	m.path = filepath.Join(m.root, "store.db")
	m.open()
	for _, id := range modelDestinations {
		if err := m.store.CreateDestination(t.Context(), destination.Destination{ID: id, DisplayName: id}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// open opens the store on a disk without faults. Claims do not outlive the one before.
func (m *model) open() {
	m.t.Helper()
	m.disk = &faultyDisk{}
	o := bolt.AroundCommits(bolt.SmallSegments(bolt.WithLog(bolt.Options{}, m.disk.open)), m.disk.beforeCommit, m.disk.afterCommit)
	s, err := bolt.Open(m.path, o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = s.Close() })
	m.store = s
	for _, d := range m.deliveries {
		d.claimed = false
	}
}

func (m *model) step() {
	m.t.Helper()
	switch n := m.random.IntN(100); {
	case n < 30:
		m.accept()
	case n < 40:
		m.repeat()
	case n < 60:
		m.settle()
	case n < 70:
		m.claim()
	case n < 75:
		m.release()
	case n < 83:
		m.disk.fail(m.random.IntN(faultKinds))
	case n < 89:
		m.mend()
	case n < 92: // a read brings what is logged to the database
		_, _ = m.store.Delivery(m.t.Context(), delivery.ID{})
	case n < 94:
		m.compare(false)
	case n < 97:
		m.kill()
	default:
		m.close()
	}
}

func (m *model) accept() {
	a := sample(modelDestinations[m.random.IntN(len(modelDestinations))])
	claimed := m.random.IntN(2) == 0
	a.Claimed = []bool{claimed}
	verdicts, err := m.store.Accept(m.t.Context(), []intake.Acceptance{a})
	if err != nil {
		return
	}
	if verdicts[0].Duplicate || verdicts[0].Err != nil {
		m.t.Fatalf("a new alert: got %+v", verdicts[0])
	}
	id := a.Deliveries[0].ID
	m.alerts = append(m.alerts, &modelAlert{a.Record, []delivery.ID{id}})
	m.deliveries[id] = &modelDelivery{state: delivery.Pending, claimed: claimed}
}

// repeat accepts one of the last alerts again, which may not be in the database yet.
func (m *model) repeat() {
	if len(m.alerts) == 0 {
		return
	}
	known := m.alerts[len(m.alerts)-1-m.random.IntN(min(len(m.alerts), 5))]
	a := sample("one")
	a.Record.AlertID, a.Deliveries[0].AlertID = known.AlertID, known.AlertID
	a.Claimed = []bool{true}
	verdicts, err := m.store.Accept(m.t.Context(), []intake.Acceptance{a})
	if err != nil {
		return
	}
	if v := verdicts[0]; !v.Duplicate || v.Err != nil || v.Stored.Key != known.Key || !bytes.Equal(v.Stored.Body, known.Body) {
		m.t.Fatalf("a repeat of alert %s: got %+v", known.AlertID, v)
	}
}

// pick returns a delivery that the model has claimed; nil when it finds none.
func (m *model) pick() (delivery.ID, *modelDelivery) {
	for range min(len(m.alerts), 20) {
		list := m.alerts[m.random.IntN(len(m.alerts))].deliveries
		id := list[m.random.IntN(len(list))]
		if d := m.deliveries[id]; d.claimed {
			return id, d
		}
	}
	return delivery.ID{}, nil
}

func (m *model) settle() {
	id, d := m.pick()
	if d == nil {
		return
	}
	settlement := delivered(id)
	switch m.random.IntN(3) {
	case 0:
		settlement.State, settlement.NextAttemptAt = delivery.Retrying, time.Now()
	case 1:
		settlement.State, settlement.Reason = delivery.Failed, delivery.Permanent
		if m.random.IntN(2) == 0 {
			settlement.Fallback.DestinationID = modelDestinations[m.random.IntN(len(modelDestinations))]
		}
	}
	if err := m.store.Settle(m.t.Context(), settlement); err != nil {
		d.maybe++
		m.disk.mend()
		if err := m.store.Settle(m.t.Context(), settlement); err != nil {
			m.t.Fatal("settle on a disk that was mended: ", err)
		}
	}
	d.attempts++
	d.claimed, d.state = false, settlement.State
}

func (m *model) claim() {
	to, limit := modelDestinations[m.random.IntN(len(modelDestinations))], 1+m.random.IntN(5)
	jobs, err := m.store.Claim(m.t.Context(), to, later(), limit, plenty)
	if err != nil {
		return
	}
	for i := range jobs {
		got := &jobs[i].Delivery
		d := m.deliveries[got.ID]
		switch {
		case d == nil: // of an alert whose acceptance failed, or one that fell back: see compare
			if err := m.store.Release(m.t.Context(), got.ID); err != nil {
				m.t.Fatal(err)
			}
			continue
		case d.claimed:
			m.t.Fatalf("delivery %s was given to two", got.ID)
		case d.state != got.State:
			m.t.Fatalf("delivery %s was claimed in state %s, want %s", got.ID, got.State, d.state)
		}
		d.claimed = true
	}
}

func (m *model) release() {
	id, d := m.pick()
	if d == nil {
		return
	}
	if err := m.store.Release(m.t.Context(), id); err != nil {
		m.t.Fatal(err)
	}
	d.claimed = false
}

// mend has a disk without faults, and mostly has the store find out.
func (m *model) mend() {
	m.t.Helper()
	m.disk.mend()
	if m.random.IntN(4) == 0 {
		return
	}
	if err := m.store.Check(m.t.Context()); err != nil {
		m.t.Fatal("check on a disk that was mended: ", err)
	}
	m.compareMemory()
}

// compareMemory sees what is left in memory once the database has everything: the claims.
func (m *model) compareMemory() {
	m.t.Helper()
	if _, err := m.store.Delivery(m.t.Context(), delivery.ID{}); problem.KindOf(err) != problem.NotFound {
		m.t.Fatalf("a delivery that is not there: got %v", err)
	}
	held := 0
	for _, d := range m.deliveries {
		if d.claimed {
			held++
		}
	}
	if got := m.store.Claims(); got != held {
		m.t.Errorf("%d claims are held, want %d", got, held)
	}
	if behind, recent := m.store.Behind(), m.store.Recent(); behind != 0 || recent != 0 {
		m.t.Errorf("%d bytes and %d alerts are only in the log", behind, recent)
	}
}

// kill goes on with a copy of the files as they are between two commits.
func (m *model) kill() {
	m.t.Helper()
	m.lives++
	from := m.path
	m.path = filepath.Join(m.root, fmt.Sprint("life ", m.lives), "store.db")
	if err := os.Mkdir(filepath.Dir(m.path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	m.disk.betweenCommits(func() {
		copyIfThere(m.t, from, m.path)
		to := bolt.LogPaths(m.path)
		for i, log := range bolt.LogPaths(from) {
			for n, file := range wal.Paths(log) {
				copyIfThere(m.t, file, wal.Paths(to[i])[n])
			}
		}
	})
	_ = m.store.Close()
	m.open()
	m.compare(true)
}

// close stops the store properly, whatever its disk is like.
func (m *model) close() {
	m.t.Helper()
	if m.random.IntN(2) == 0 {
		m.mend()
	}
	_ = m.store.Close()
	m.open()
	m.compare(true)
}

// compare finds each alert in the store, with what became of its deliveries. After a crash it is seen which of the
// attempts that could not be recorded are there.
func (m *model) compare(reopened bool) {
	m.t.Helper()
	for _, known := range m.alerts {
		record, list, err := m.store.Alert(m.t.Context(), known.AlertID)
		if err != nil || record.Key != known.Key || !bytes.Equal(record.Body, known.Body) {
			m.t.Fatalf("alert %s: got %+v, %v", known.AlertID, record, err)
		}
		for i := range list {
			m.compareDelivery(known, &list[i], reopened)
		}
		if len(list) != len(known.deliveries) {
			m.t.Fatalf("alert %s has %d deliveries, want %d", known.AlertID, len(list), len(known.deliveries))
		}
	}
}

func (m *model) compareDelivery(of *modelAlert, got *delivery.Delivery, reopened bool) {
	m.t.Helper()
	d := m.deliveries[got.ID]
	if d == nil {
		if got.Cause != delivery.ByFallback {
			m.t.Fatalf("delivery %s is there, and was never promised", got.ID)
		}
		d = &modelDelivery{state: delivery.Pending}
		m.deliveries[got.ID] = d
		of.deliveries = append(of.deliveries, got.ID)
	}
	if got.State != d.state {
		m.t.Fatalf("delivery %s is %s, want %s", got.ID, got.State, d.state)
	}
	n := len(got.Attempts) + got.AttemptsDropped
	if n < d.attempts || n > d.attempts+d.maybe {
		m.t.Fatalf("delivery %s has %d attempts, want %d and at most %d more", got.ID, n, d.attempts, d.maybe)
	}
	if reopened {
		d.attempts, d.maybe = n, 0
	}
}

// finish mends everything: then the database has it all, nothing is left in memory but the claims, and all that is owed
// can be claimed.
func (m *model) finish() {
	m.t.Helper()
	m.disk.mend()
	if err := m.store.Check(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	m.compare(false)
	m.compareMemory()
	owed := 0
	for _, d := range m.deliveries {
		if d.state.Open() && !d.claimed {
			owed++
		}
	}
	for _, to := range modelDestinations {
		jobs, err := m.store.Claim(m.t.Context(), to, later(), 1<<20, plenty)
		if err != nil {
			m.t.Fatal(err)
		}
		for i := range jobs {
			if d := m.deliveries[jobs[i].Delivery.ID]; d != nil && !d.claimed {
				owed--
			}
		}
	}
	if owed != 0 {
		m.t.Errorf("%d deliveries that are owed cannot be claimed", owed)
	}
	if got, want := m.store.Backlog().Open(), int64(m.store.Claims()); got != want {
		m.t.Errorf("got a backlog of %d, and %d could be claimed", got, want)
	}
	m.t.Logf("%d alerts, %d deliveries, killed %d times", len(m.alerts), len(m.deliveries), m.lives)
	if len(m.alerts) < modelSteps/10 || m.lives == 0 {
		m.t.Errorf("only %d alerts were accepted, and the store was killed %d times", len(m.alerts), m.lives)
	}
	if err := m.store.Close(); err != nil {
		m.t.Error(err)
	}
	sound(m.t, m.path)
}

// The ways in which a disk fails.
const (
	faultWrite  = iota // of the log
	faultTorn          // a part of it is written
	faultSync          // of the log
	faultBefore        // of a commit, and nothing of it is there
	faultAfter         // of a commit, and it is there
	faultKinds
)

var errFault = errors.New("the disk fails")

// faultyDisk has at most one of the faults at a time. What is written to it is not synced: nobody takes its power.
type faultyDisk struct {
	faults     [faultKinds]atomic.Bool
	committing sync.Mutex
}

func (d *faultyDisk) has(fault int) bool { return d.faults[fault].Load() }

func (d *faultyDisk) fail(fault int) {
	d.mend()
	d.faults[fault].Store(true)
}

func (d *faultyDisk) mend() {
	for i := range d.faults {
		d.faults[i].Store(false)
	}
}

func (d *faultyDisk) open(path string) (wal.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return faultyFile{f, d}, err
}

func (d *faultyDisk) beforeCommit() error {
	if d.has(faultBefore) {
		return errFault
	}
	d.committing.Lock()
	return nil
}

func (d *faultyDisk) afterCommit() error {
	d.committing.Unlock()
	if d.has(faultAfter) {
		return errFault
	}
	return nil
}

func (d *faultyDisk) betweenCommits(f func()) {
	d.committing.Lock()
	defer d.committing.Unlock()
	f()
}

type faultyFile struct {
	*os.File
	disk *faultyDisk
}

func (f faultyFile) WriteAt(p []byte, off int64) (int, error) {
	switch {
	case f.disk.has(faultTorn):
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, errFault
	case f.disk.has(faultWrite):
		return 0, errFault
	}
	return f.File.WriteAt(p, off)
}

func (f faultyFile) Sync() error {
	if f.disk.has(faultSync) {
		return errFault
	}
	return nil
}

func copyIfThere(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := errors.Join(err, os.WriteFile(to, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}
