// SPDX-License-Identifier: MPL-2.0

package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// What is accepted, and what comes of attempts, goes to a write-ahead log first and is answered then. It gets to its
// place in the database a little later, in a larger commit: see writer. Most deliveries have been made by then, and are
// written there once, as they ended.
//
// There are two logs. That of acceptances takes one write and one sync for everybody who waits. That of settlements is
// written by whoever settles, without a sync, so that nobody waits for the disk: what was written survives the death of
// the process. Each is in order by itself, which is enough: what is settled was accepted before, and answered.
const (
	acceptances = iota
	settlements
	logCount
)

// maxBehind is about how many bytes may be in the log and not in the database; beyond it, who logs waits.
const maxBehind = 16 << 20

// logged is one caller's part of a frame of the log. Its state is that of an operation.
type logged struct {
	operation

	// One of the two.
	acceptance *acceptance
	settlement *delivery.Settlement

	entry  []byte // of what is neither
	log    int    // which one it is in
	number uint64 // of the frame
}

// acceptance is a batch of alerts on its way.
type acceptance struct {
	batch    []intake.Acceptance
	records  values
	verdicts []intake.Verdict
	entered  []bool           // into what is recent, beside the batch
	opened   delivery.Backlog // by those that are new
}

// appender is the queue in front of the log of acceptances. One at a time writes it: a caller, when nobody else is
// there, or else the goroutine that takes everybody who waits.
type appender struct {
	mu      sync.Mutex
	wake    sync.Cond
	queue   []*logged
	writing bool
	closed  bool
	ended   chan struct{}

	recentMu sync.Mutex
	recent   map[string]*intake.Record // logged and not yet in the database, by alert id
}

func (l *appender) init() {
	l.wake.L = &l.mu
	l.ended = make(chan struct{})
	l.recent = make(map[string]*intake.Record)
}

// add adds an operation to the queue; alone says that there is none, and that the caller has to write and to call wrote.
func (l *appender) add(op *logged) (alone bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, errClosed
	}
	if !l.writing && len(l.queue) == 0 {
		op.state.Store(started)
		l.writing = true
		return true, nil
	}
	l.queue = append(l.queue, op)
	l.wake.Signal()
	return false, nil
}

// wrote lets the next one write.
func (l *appender) wrote() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = false
	if len(l.queue) > 0 || l.closed {
		l.wake.Signal()
	}
}

func (l *appender) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake.Signal()
}

// take waits for callers, and for its turn, and moves those that fit one frame to batch; none come after the close.
func (l *appender) take(batch []*logged) []*logged {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing || len(l.queue) == 0 && !l.closed {
		l.wake.Wait()
	}
	size, n := 0, 0
	for n < len(l.queue) && n < commitOperations && (n == 0 || size+l.queue[n].size <= commitBytes) {
		size += l.queue[n].size
		n++
	}
	batch = append(batch, l.queue[:n]...)
	l.queue = slices.Delete(l.queue, 0, n)
	l.writing = n > 0
	return batch
}

// append has an operation written to the log and returns once it is; see update.
func (s *Store) append(ctx context.Context, op *logged) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	alone, err := s.appender.add(op)
	if err != nil {
		return err
	}
	if alone {
		s.writeFrame([]*logged{op})
		return <-op.done
	}
	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
	}
	if op.state.CompareAndSwap(queued, abandoned) {
		return ctx.Err()
	}
	return <-op.done
}

// writeLog writes the log for those who wait, until the store is closed and nobody does.
func (s *Store) writeLog() {
	defer close(s.appender.ended)
	var batch []*logged
	for {
		batch = s.appender.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		live := slices.DeleteFunc(batch, func(op *logged) bool { return !op.state.CompareAndSwap(queued, started) })
		s.writeFrame(live)
		clear(batch)
	}
}

// writeFrame logs operations, answers them, and lets the next one write.
func (s *Store) writeFrame(batch []*logged) {
	defer s.appender.wrote()
	began := time.Now()
	batch, err := s.admit(batch)
	if len(batch) == 0 {
		return
	}
	some := false
	if err == nil {
		some, err = s.fillFrame(batch)
	}
	if err == nil {
		err = s.appendFrame(batch, some)
	}
	if err != nil {
		s.forget(batch)
	} else if some && s.onCommit != nil {
		s.onCommit(len(batch), time.Since(began))
	}
	for _, op := range batch {
		op.done <- err
	}
}

// admit waits until the database is not too far behind, and refuses new alerts while it takes nothing.
func (s *Store) admit(batch []*logged) ([]*logged, error) {
	if err := s.waitForRoom(); err != nil {
		return batch, err
	}
	if s.stuck.Load() == 0 {
		return batch, nil
	}
	return slices.DeleteFunc(batch, func(op *logged) bool {
		refused := op.acceptance != nil
		if refused {
			op.done <- errStuck
		}
		return refused
	}), nil
}

// waitForRoom waits while too much is only in the logs, unless the database takes nothing.
func (s *Store) waitForRoom() error {
	for s.behind.Load() > maxBehind && s.stuck.Load() == 0 {
		if _, err := s.catchUp(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

var errStuck = fmt.Errorf("%w: the database cannot be written to", store.ErrUnavailable)

// fillFrame puts the batch into a frame, finding the repeats; some says that there is anything new in it, which must be
// synced before it is answered. A panic is its error.
func (s *Store) fillFrame(batch []*logged) (some bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while the log was written: %v\n%s", p, debug.Stack())
		}
	}()
	claimed := claimedIn(batch)
	s.claims.add(claimed...) // before the transaction begins: see claims
	s.logs[acceptances].Begin()
	repeats, some, err := s.enterFrame(batch)
	s.claims.release(repeats...)
	return some, err
}

// claimedIn returns the deliveries that are accepted as claimed.
func claimedIn(batch []*logged) (ids []delivery.ID) {
	for _, op := range batch {
		if op.acceptance == nil {
			continue
		}
		for i := range op.acceptance.batch {
			ids = claimedOf(ids, &op.acceptance.batch[i])
		}
	}
	return ids
}

func claimedOf(ids []delivery.ID, a *intake.Acceptance) []delivery.ID {
	for n := range a.Deliveries {
		if n < len(a.Claimed) && a.Claimed[n] {
			ids = append(ids, a.Deliveries[n].ID)
		}
	}
	return ids
}

// enterFrame adds what is new in the batch to the frame. repeats are the deliveries of the others that were claimed.
func (s *Store) enterFrame(batch []*logged) (repeats []delivery.ID, some bool, err error) {
	// The lock is taken before the transaction begins, and held: what is not recent any more by then is seen in it.
	s.appender.recentMu.Lock()
	defer s.appender.recentMu.Unlock()
	t, err := s.beginView(context.Background())
	if err != nil {
		return nil, false, err
	}
	defer t.end()
	for _, op := range batch {
		if op.acceptance == nil {
			s.logs[acceptances].Add(op.entry)
			some = true
			continue
		}
		var entered bool
		repeats, entered = s.enterLog(t, op.acceptance, repeats)
		some = some || entered
	}
	return repeats, some, nil
}

// enterLog adds the new ones of an acceptance to the frame, and reports whether there are any.
func (s *Store) enterLog(t *tx, a *acceptance, repeats []delivery.ID) ([]delivery.ID, bool) {
	left, some := a.records, false
	a.entered = make([]bool, len(a.batch))
	for i := range a.batch {
		one := &a.batch[i]
		body, deliveries := left.next(), left.take(len(one.Deliveries))
		t.touch()
		if verdict, repeated := s.repeatedly(t, one.Record.AlertID); repeated {
			a.verdicts[i] = verdict
			repeats = claimedOf(repeats, one)
			continue
		}
		recent := one.Record
		recent.Body = body[len(body)-len(recent.Body):] // the caller goes on using its own
		s.appender.recent[recent.AlertID] = &recent
		a.entered[i], some = true, true
		for n := range one.Deliveries {
			if state := one.Deliveries[n].State; state.Open() {
				count(&a.opened, state, 1)
			}
		}
		s.addAcceptance(one, body, deliveries)
	}
	return repeats, some
}

// repeatedly returns the verdict on an alert whose id is there already.
func (s *Store) repeatedly(t *tx, alertID string) (intake.Verdict, bool) {
	if record, ok := s.appender.recent[alertID]; ok {
		stored := *record
		stored.Body = slices.Clone(stored.Body)
		return intake.Verdict{Duplicate: true, Stored: stored}, true
	}
	key := t.get(bucketAlertIDs, []byte(alertID))
	if key == nil {
		return intake.Verdict{}, false
	}
	if len(key) != len(delivery.Key{}) {
		err := fmt.Errorf("the index entry of alert %.100q is damaged", alertID)
		return intake.Verdict{Duplicate: true, Stored: intake.Record{AlertID: alertID}, Err: err}, true
	}
	return t.repeated(delivery.Key(key), alertID), true
}

// appendFrame writes the frame and passes it on to the writer of the database.
func (s *Store) appendFrame(batch []*logged, sync bool) error {
	size, err := s.writeTo(acceptances, sync, batch)
	if err != nil {
		return err
	}
	if size >= s.logStuck.Load() {
		s.logStuck.Store(0)
	}
	for _, op := range batch {
		if a := op.acceptance; a != nil {
			s.openedBehind(a.opened, 1)
		}
	}
	s.writer.pass(batch)
	return nil
}

// writeTo writes the frame that was begun in a log, whose operations have to be passed on next.
func (s *Store) writeTo(log int, sync bool, batch []*logged) (size int64, err error) {
	size = int64(s.logs[log].Size())
	number, err := s.logs[log].Append(sync)
	if err != nil {
		s.logStuck.Store(max(s.logStuck.Load(), size))
		s.probeLater()
		return 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	s.behind.Add(size)
	for n, op := range batch {
		op.run, op.logged, op.log, op.number, op.size = op.apply, op, log, number, 0
		if n == 0 {
			op.size = int(size)
		}
	}
	return size, nil
}

// settle logs a settlement. It waits only when too much is in the logs; when the database takes nothing, it is refused
// then.
func (s *Store) settle(settlement *delivery.Settlement, entry []byte) error {
	if err := s.waitForRoom(); err != nil {
		return err
	}
	if s.behind.Load() > maxBehind {
		return errStuck
	}
	s.settling.Lock()
	defer s.settling.Unlock()
	if s.settlingClosed {
		return errClosed
	}
	s.logs[settlements].Begin()
	s.logs[settlements].Add(entry)
	one := []*logged{{settlement: settlement}}
	if _, err := s.writeTo(settlements, false, one); err != nil {
		return err
	}
	s.writer.pass(one)
	return nil
}

// forget takes back what fillFrame remembered of a frame that was not written.
func (s *Store) forget(batch []*logged) {
	for _, op := range batch {
		if op.acceptance != nil {
			s.forgetRecent(op.acceptance)
		}
	}
	s.claims.release(claimedIn(batch)...)
}

func (s *Store) forgetRecent(a *acceptance) {
	s.appender.recentMu.Lock()
	defer s.appender.recentMu.Unlock()
	for i, entered := range a.entered {
		if entered {
			delete(s.appender.recent, a.batch[i].Record.AlertID)
		}
	}
}

func (s *Store) openedBehind(b delivery.Backlog, by int64) {
	s.pendingBehind.Add(by * b.Pending)
	s.retryingBehind.Add(by * b.Retrying)
}

// applied lets memory follow when an operation's frame has got to the database.
func (s *Store) applied(op *logged) {
	s.behind.Add(-int64(op.size))
	s.logs[op.log].Applied(op.number)
	if a := op.acceptance; a != nil {
		s.openedBehind(a.opened, -1)
		s.forgetRecent(a)
	}
}

// apply brings what was logged to its place in the database.
func (op *logged) apply(t *tx) error {
	if op.number <= t.applied[op.log] { // by a commit that was said to have failed
		if op.settlement != nil {
			t.released = append(t.released, op.settlement.ID)
		}
		return nil
	}
	t.logged[op.log] = op.number
	switch {
	case op.acceptance != nil:
		return t.acceptAll(op.acceptance)
	case op.settlement != nil:
		return t.settle(op.settlement)
	}
	return nil
}

// The kinds of entries.
const (
	entryAcceptance = 'A'
	entrySettlement = 'S'
	entryNothing    = 'N' // written to find out whether the log can be
)

// addAcceptance adds one alert to the frame: its key, its id, its record, and the number and record of each delivery;
// id and records with their length before them.
func (s *Store) addAcceptance(a *intake.Acceptance, body []byte, deliveries values) {
	head := append(make([]byte, 0, 64+len(a.Record.AlertID)), entryAcceptance)
	head = append(head, a.Record.Key[:]...)
	head = binary.AppendUvarint(head, uint64(len(a.Record.AlertID)))
	head = append(head, a.Record.AlertID...)
	head = binary.AppendUvarint(head, uint64(len(body)))
	parts := append(make([][]byte, 0, 2+2*len(a.Deliveries)), head, body)
	for n := range a.Deliveries {
		record := deliveries.next()
		length := binary.BigEndian.AppendUint16(make([]byte, 0, 8), a.Deliveries[n].ID.Number())
		parts = append(parts, binary.AppendUvarint(length, uint64(len(record))), record)
	}
	s.logs[acceptances].Add(parts...)
}

// recovered reads an entry of a log back.
func recovered(log int, number uint64, entry []byte) (*logged, error) {
	if len(entry) == 0 {
		return nil, errors.New("an entry of the log is empty")
	}
	op := &logged{log: log, number: number}
	op.run, op.logged, op.size = op.apply, op, len(entry)
	var err error
	switch kind, rest := entry[0], entry[1:]; kind {
	case entryAcceptance:
		op.acceptance, err = recoverAcceptance(rest)
	case entrySettlement:
		op.settlement, err = decodeSettlement(rest)
	case entryNothing:
	default:
		err = fmt.Errorf("the log has an entry of the unknown kind %q", kind)
	}
	return op, err
}

// recoverAcceptance reads what addAcceptance wrote. The records are copied; of the alert's own only key and id are read.
func recoverAcceptance(entry []byte) (*acceptance, error) {
	r := reader{rest: entry}
	key := delivery.Key(r.take(len(delivery.Key{})))
	a := &acceptance{verdicts: make([]intake.Verdict, 1)}
	one := intake.Acceptance{Record: intake.Record{Key: key, AlertID: string(r.sized())}}
	a.records.add(r.sized())
	for len(r.rest) > 0 && !r.short {
		number := binary.BigEndian.Uint16(r.take(2))
		record := r.sized()
		if r.short {
			break
		}
		d, err := decodeDelivery(delivery.NewID(key, number), record)
		if err != nil {
			return nil, err
		}
		one.Deliveries = append(one.Deliveries, d)
		a.records.add(record)
	}
	if r.short {
		return nil, errors.New("an entry of the log is cut off")
	}
	a.batch = []intake.Acceptance{one}
	return a, nil
}

// reader reads lengths and bytes.
type reader struct {
	rest  []byte
	short bool // there was less than was to be read
}

// take returns the next n bytes, or n zeros where there are fewer.
func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short, r.rest = true, nil
		return make([]byte, n)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) sized() []byte {
	length, n := binary.Uvarint(r.rest)
	if n <= 0 || length > uint64(len(r.rest)-n) {
		r.short, r.rest = true, nil
		return nil
	}
	r.rest = r.rest[n:]
	return r.take(int(length))
}
