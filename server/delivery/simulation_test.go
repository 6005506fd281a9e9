// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

var simulations = flag.Int("simulations", 3, "how many days to simulate, each with a seed of its own")

// TestSimulation lives through days of outages, changes and random answers, and asks of each moment what must be true
// of it. The senders look at what the store says when they are called.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for seed := range uint64(*simulations) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { simulate(t, seed) })
	}
}

const (
	simulatedDay   = 24 * time.Hour
	simulatedLanes = 14
	simulatedSteps = 80
	outAtFirst     = 1 // a place's number
)

func simulate(t *testing.T, seed uint64) {
	s := &simulation{random: rand.New(rand.NewPCG(seed, 0)), fallbackAt: map[[2]string]time.Time{}}
	inBubble(t, func(w *world) {
		s.world, s.start = w, time.Now()
		for i := range simulatedLanes {
			s.open(i, seed)
		}
		for range 80 { // to one that is out at first
			s.alert(s.places[outAtFirst])
		}
		for range simulatedSteps {
			time.Sleep(time.Duration(s.random.Float64() * float64(2*simulatedDay/simulatedSteps)))
			s.step()
		}
		for _, p := range s.places { // all's well that ends well
			if !p.config.Enabled {
				s.change(p, func(c *delivery.LaneConfig) { c.Enabled = true })
			}
		}
		time.Sleep(simulatedDay)
		synctest.Wait()
		s.settle()
	}, func(o *delivery.Options) {
		o.Schedule.MaxAge = 8 * time.Hour
		o.Schedule.Random = rand.Float64
		o.LaneSize = 16
		o.Observe = s
	})
}

type simulation struct {
	quiet
	*world
	start  time.Time
	random *rand.Rand
	places []*place
	alerts []string

	untried    int                     // given up for their age, without a last attempt
	fallbackAt map[[2]string]time.Time // alert, destination -> when it was to fall back
}

// place is a destination with good and bad times.
type place struct {
	s       *simulation
	config  delivery.LaneConfig
	calm    bool        // it is never out, and never changed
	outages []time.Time // begin, end, begin, end…

	mu        sync.Mutex
	random    *rand.Rand
	tries     map[string][]time.Time // by delivery
	starts    []time.Time            // with the current rate
	now       int                    // under way
	probes    map[int]bool           // under way, by number of the try
	number    int
	promised  int // deliveries in all
	enabledAt time.Time
	opened    int       // how often the breaker opened, as far as we were told
	openedAt  time.Time // when the breaker opened last
	probeAt   time.Time
}

func (s *simulation) open(i int, seed uint64) {
	p := &place{
		s: s, random: rand.New(rand.NewPCG(seed, uint64(i+1))), calm: i%6 == 0,
		tries: map[string][]time.Time{}, probes: map[int]bool{},
	}
	for at := s.start; !p.calm && len(p.outages) < 6; {
		begin := at.Add(time.Duration(s.random.Int64N(int64(8 * time.Hour))))
		at = begin.Add(time.Duration(s.random.Int64N(int64(5 * time.Hour))))
		p.outages = append(p.outages, begin, at)
	}
	if i == outAtFirst {
		p.outages = []time.Time{s.start, s.start.Add(5 * time.Hour)}
	}
	s.places = append(s.places, p)
	s.connect(fmt.Sprintf("place-%02d", i), p, func(c *delivery.LaneConfig) {
		c.Concurrency = 1 + s.random.IntN(4)
		if s.random.IntN(3) == 0 {
			c.RatePerSecond = 0.5 + 3*s.random.Float64()
		}
		c.MaxAge = []time.Duration{0, 20 * time.Minute, time.Hour, 4 * time.Hour}[s.random.IntN(4)]
		if i == outAtFirst {
			c.MaxAge = 20 * time.Minute
		}
		if i > 0 && s.random.IntN(2) == 0 { // to one before, so there is no circle
			c.Fallback.DestinationID = fmt.Sprintf("place-%02d", s.random.IntN(i))
			c.FallbackAfter = []time.Duration{0, time.Minute, 30 * time.Minute}[s.random.IntN(3)]
		}
		p.config = *c
	})
}

func (s *simulation) place(id string) *place {
	return s.places[slices.IndexFunc(s.places, func(p *place) bool { return p.config.DestinationID == id })]
}

// standsIn reports whether p is somebody's fallback.
func (s *simulation) standsIn(p *place) bool {
	return slices.ContainsFunc(s.places, func(other *place) bool { return other.config.Fallback.DestinationID == p.config.DestinationID })
}

// step lets something happen.
func (s *simulation) step() {
	p := s.places[s.random.IntN(len(s.places))]
	switch s.random.IntN(10) {
	case 0:
		if s.standsIn(p) {
			return // one that is disabled is passed over
		}
		s.change(p, func(c *delivery.LaneConfig) { c.Enabled = !c.Enabled })
	case 1:
		s.change(p, func(c *delivery.LaneConfig) {
			c.Concurrency, c.RatePerSecond = 1+s.random.IntN(4), float64(s.random.IntN(3))
		})
	case 2:
		if d, ok := s.someFailed(); ok {
			_, _ = s.store.ReplayOne(context.Background(), d.ID, time.Now())
			s.dispatcher.Wake(d.DestinationID)
		}
	case 3, 4: // many to one, if possible to one that is out
		if i := slices.IndexFunc(s.places, func(p *place) bool { return p.config.Enabled && p.isOut() }); i >= 0 && s.random.IntN(3) > 0 {
			p = s.places[i]
		}
		for range 12 + s.random.IntN(12) {
			s.alert(p)
		}
	default:
		for range 1 + s.random.IntN(3) {
			order := s.random.Perm(len(s.places))[:1+s.random.IntN(3)]
			var to []*place
			for _, i := range order {
				to = append(to, s.places[i])
			}
			s.alert(to...)
		}
	}
}

func (s *simulation) alert(to ...*place) {
	var ids []string
	for _, p := range to {
		ids = append(ids, p.config.DestinationID)
	}
	now := time.Now()
	alertID := s.promise(plainAlert, ids...)
	s.alerts = append(s.alerts, alertID)
	for _, p := range to {
		if p.config.FallbackAfter > 0 {
			s.fallbackAt[[2]string{alertID, p.config.DestinationID}] = now.Add(p.config.FallbackAfter)
		}
	}
}

// someFailed picks a delivery to replay, for which no fallback is expected any more than before.
func (s *simulation) someFailed() (delivery.Delivery, bool) {
	if len(s.alerts) == 0 {
		return delivery.Delivery{}, false
	}
	_, deliveries, err := s.store.Alert(context.Background(), s.alerts[s.random.IntN(len(s.alerts))])
	if err != nil {
		s.t.Error(err)
	}
	i := slices.IndexFunc(deliveries, func(d delivery.Delivery) bool { return d.State == delivery.Failed })
	if i < 0 {
		return delivery.Delivery{}, false
	}
	return deliveries[i], true
}

// change changes a place's configuration at a moment when nothing starts.
func (s *simulation) change(p *place, edit func(*delivery.LaneConfig)) {
	if p.calm || p == s.places[outAtFirst] && time.Since(s.start) < time.Hour {
		return
	}
	synctest.Wait()
	p.mu.Lock()
	was := p.config
	edit(&p.config)
	if p.config.RatePerSecond != was.RatePerSecond {
		p.starts = nil
	}
	if p.config.Enabled && !was.Enabled {
		p.enabledAt = time.Now()
	}
	p.openedAt, p.probeAt, p.probes = time.Time{}, time.Time{}, map[int]bool{}
	config := p.config
	p.mu.Unlock()
	s.lanes[config.DestinationID] = config
	s.dispatcher.SetLane(config)
	synctest.Wait()
}

// Unhealthy implements delivery.Observer.
func (s *simulation) Unhealthy(c delivery.LaneConfig, _ delivery.Job, h delivery.Health) {
	p := s.place(c.DestinationID)
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.State != delivery.Unhealthy || h.Failures < 10 {
		s.t.Errorf("told of %+v as unhealthy", h)
	}
	if !h.ProbeAt.IsZero() && h.ProbeAt != p.probeAt {
		p.opened++
		p.openedAt, p.probeAt = time.Now(), h.ProbeAt
	}
}

// Send implements destination.Sender.
func (*place) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, nil
}

func (p *place) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	number := p.begin(m)
	err := p.answer(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now--
	if delete(p.probes, number); err == nil {
		clear(p.probes) // the breaker is closed: they are ordinary attempts now
	}
	return destination.Receipt{}, err
}

// begin asks whether the attempt may be made.
func (p *place) begin(m *destination.Message) (number int) {
	now, id := time.Now(), p.config.DestinationID
	d := p.s.deliveryTo(m.AlertID, id)
	health := p.s.dispatcher.Health(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.s.t
	at := now.Sub(p.s.start)
	if !d.State.Open() || now.Before(d.NextAttemptAt) || m.Attempt != len(d.Attempts)+1 {
		t.Errorf("%s at %s: attempt %d at %+v", id, at, m.Attempt, d)
	}
	if !p.config.Enabled {
		t.Errorf("%s at %s: an attempt while it is disabled", id, at)
	}
	if pace := p.pace(); p.calm && now.Sub(d.NextAttemptAt) > pace {
		t.Errorf("%s at %s: an attempt started %s late, at a pace of %s", id, at, now.Sub(d.NextAttemptAt), pace)
	}
	if p.now++; p.now > p.config.Concurrency {
		t.Errorf("%s at %s: %d attempts at once, want at most %d", id, at, p.now, p.config.Concurrency)
	}
	p.number++
	if now.After(p.openedAt) && !health.ProbeAt.IsZero() {
		if now.Before(health.ProbeAt) {
			t.Errorf("%s at %s: an attempt before %s, opened at %s", id, at, health.ProbeAt.Sub(p.s.start), p.openedAt.Sub(p.s.start))
		}
		if p.probes[p.number] = true; len(p.probes) > 1 {
			t.Errorf("%s at %s: %d probes at once", id, at, len(p.probes))
		}
	}
	p.tries[m.DeliveryID] = append(p.tries[m.DeliveryID], now)
	p.checkRate(now)
	return p.number
}

// pace is how late an attempt at a calm place may start: a burst of alerts takes its time.
func (p *place) pace() time.Duration {
	pace := 10 * time.Second
	if r := p.config.RatePerSecond; r > 0 {
		pace += time.Duration(100 / r * float64(time.Second))
	}
	return pace
}

func (p *place) checkRate(now time.Time) {
	p.starts = append(p.starts, now)
	limit := p.config.RatePerSecond
	if limit == 0 {
		return
	}
	burst := max(1, float64(int(limit)))
	for i, first := range p.starts {
		if n := float64(len(p.starts) - i); n > burst+limit*now.Sub(first).Seconds()+1e-3 {
			p.s.t.Errorf("%s: %v attempts within %s at %v a second", p.config.DestinationID, n, now.Sub(first), limit)
		}
	}
}

func (p *place) isOut() bool {
	i, _ := slices.BinarySearchFunc(p.outages, time.Now(), time.Time.Compare)
	return i%2 == 1
}

// answer takes a while, and depends on the times.
func (p *place) answer(ctx context.Context) error {
	p.mu.Lock()
	kind, wait := p.random.IntN(100), time.Duration(p.random.Int64N(int64(400*time.Millisecond)))
	asked := time.Duration(p.random.Int64N(int64(10 * time.Minute)))
	p.mu.Unlock()
	if p.isOut() {
		kind %= 20
	}
	if p.calm {
		kind += 15
	}
	time.Sleep(wait)
	switch {
	case kind < 2:
		<-ctx.Done()
		return ctx.Err()
	case kind < 5:
		return destination.RetryAfter(errDown, asked)
	case kind < 7:
		return destination.Ambiguous(errDown)
	case kind < 8:
		return errRefused
	case kind < 20:
		return errDown
	}
	return nil
}

// settle asks what must be true in the end.
func (s *simulation) settle() {
	if open := s.store.Backlog().Open(); open != 0 {
		s.t.Errorf("%d deliveries are still open", open)
	}
	var all []map[string]delivery.Delivery // of an alert, by destination
	for _, alertID := range s.alerts {
		_, deliveries, err := s.store.Alert(context.Background(), alertID)
		if err != nil {
			s.t.Fatal(err)
		}
		to := map[string]delivery.Delivery{}
		for _, d := range deliveries {
			if _, twice := to[d.DestinationID]; twice {
				s.t.Errorf("two deliveries of %s to %s", alertID, d.DestinationID)
			}
			to[d.DestinationID] = d
			s.place(d.DestinationID).promised++
		}
		all = append(all, to)
	}
	made, states := 0, map[delivery.State]int{}
	for _, to := range all {
		for _, d := range to {
			made += len(d.Attempts)
			states[d.State]++
			s.settleOne(&d, to)
		}
	}
	tries, breakers := 0, 0
	for _, p := range s.places {
		for _, list := range p.tries {
			tries += len(list)
		}
		breakers += p.opened
	}
	if made != tries {
		s.t.Errorf("the store has %d attempts, but %d were made", made, tries)
	}
	if breakers < 10 || s.untried == 0 || states[delivery.Delivered] == 0 || states[delivery.Failed] == 0 {
		s.t.Errorf("nothing much happened: %v, breakers opened %d times, %d were given up behind them", states, breakers, s.untried)
	}
	s.t.Logf("%d alerts, %v, %d attempts, breakers opened %d times, %d were given up behind them", len(s.alerts), states, made, breakers, s.untried)
}

// lastTry is when a delivery's last attempt ended.
func lastTry(d *delivery.Delivery) time.Time {
	if len(d.Attempts) == 0 {
		return time.Time{}
	}
	a := d.Attempts[len(d.Attempts)-1]
	return a.At.Add(a.Duration)
}

func (s *simulation) settleOne(d *delivery.Delivery, to map[string]delivery.Delivery) {
	p := s.place(d.DestinationID)
	tries := p.tries[d.ID.String()]
	if !slices.EqualFunc(d.Attempts, tries, func(a delivery.Attempt, t time.Time) bool { return a.At.Equal(t) }) {
		s.t.Errorf("%s has attempts %+v in the store, but %v were made", d.DestinationID, d.Attempts, tries)
	}
	since, maxAge := d.Since, p.config.MaxAge
	if maxAge == 0 {
		maxAge = 8 * time.Hour
	}
	if since.Before(p.enabledAt) {
		since = p.enabledAt
	}
	atMost := maxAge + 5*time.Minute
	if p.promised > 128 { // it may have waited behind more than a lane looks at for those that are too old
		atMost += maxAge
	}
	if age := d.SettledAt.Sub(since); age > atMost {
		s.t.Errorf("%s settled at an age of %s, want at most %s: %+v", d.DestinationID, age, atMost, d)
	}
	if d.State == delivery.Failed && d.Reason == delivery.Expired && !d.SettledAt.Equal(lastTry(d)) {
		s.untried++
		if d.SettledAt.Sub(d.Since) < maxAge {
			s.t.Errorf("%s gave up without a last attempt before its time: %+v", d.DestinationID, d)
		}
	}
	fallback := p.config.Fallback.DestinationID
	if fallback == "" {
		return
	}
	other, ok := to[fallback]
	if d.State == delivery.Failed && (!ok || other.CreatedAt.After(d.SettledAt)) {
		s.t.Errorf("%s failed at %s, and %s has %+v", d.DestinationID, d.SettledAt, fallback, other)
	}
	at, late := s.fallbackAt[[2]string{d.AlertID, d.DestinationID}]
	late = late && d.Since.Equal(d.CreatedAt) && d.SettledAt.After(at.Add(2*time.Second))
	if late && (!ok || other.CreatedAt.After(at.Add(2*time.Second))) {
		s.t.Errorf("%s took from %s until %s, and %s has %+v", d.DestinationID, d.CreatedAt, d.SettledAt, fallback, other)
	}
}
