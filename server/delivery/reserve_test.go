// SPDX-License-Identifier: MPL-2.0

package delivery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
)

const (
	places    = 4 // of a lane in these tests
	plainSize = len(plainAlert)
)

func fewPlaces(o *delivery.Options) { o.LaneSize = places }

func oneAtATime(c *delivery.LaneConfig) { c.Concurrency = 1 }

// takes is a receiver that takes so long for each.
func takes(d time.Duration) *receiver {
	return &receiver{respond: func(context.Context, int) error { time.Sleep(d); return nil }}
}

// flow has a lane that makes its attempts one at a time make enough of them for it to know how quickly they end.
func (w *world) flow(id string, r *receiver, each time.Duration) {
	w.t.Helper()
	before := len(r.made())
	for range 60 {
		w.promise(plainAlert, id)
		time.Sleep(each)
		synctest.Wait()
	}
	if n := len(r.made()) - before; n != 60 {
		w.t.Fatalf("%d attempts were made, want 60", n)
	}
}

// fill reserves all places of a lane that has nothing to do.
func (w *world) fill(id string) {
	w.t.Helper()
	for n := range places {
		if !w.dispatcher.Reserve(id, plainSize, 0) {
			w.t.Fatalf("only %d of %d places could be reserved", n, places)
		}
	}
	if w.dispatcher.Reserve(id, plainSize, 0) {
		w.t.Fatalf("more than %d places could be reserved", places)
	}
}

func (w *world) empty(id string) {
	for range places {
		w.dispatcher.Unreserve(id, plainSize)
	}
}

// answer is what a guest was told, and after how long.
type answer struct {
	granted bool
	after   time.Duration
}

// visit asks for a place without waiting for the answer.
func (w *world) visit(id string, patience time.Duration) <-chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- w.ask(id, patience) }()
	synctest.Wait()
	return answers
}

func (w *world) ask(id string, patience time.Duration) answer {
	start := time.Now()
	granted := w.dispatcher.Reserve(id, plainSize, patience)
	return answer{granted, time.Since(start)}
}

func (w *world) want(what string, got, want answer) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

func TestReserve_GivesAGuestTheNextPlaceOfALaneThatFlows(t *testing.T) {
	inBubble(t, func(w *world) {
		r := takes(time.Millisecond)
		w.connect("a", r, oneAtATime)
		w.flow("a", r, time.Millisecond)
		w.fill("a")
		first := w.visit("a", time.Second)
		second := w.visit("a", time.Second)
		time.Sleep(5 * time.Millisecond)
		w.dispatcher.Unreserve("a", plainSize)
		w.want("the first, after a place was given back", <-first, answer{true, 5 * time.Millisecond})
		time.Sleep(2 * time.Millisecond)
		w.dispatcher.Unreserve("a", plainSize)
		w.want("the second, after another was", <-second, answer{true, 7 * time.Millisecond})
		w.empty("a")
		w.fill("a")
		w.empty("a")
	}, fewPlaces)
}

func TestReserve_GivesAGuestThePlaceOfADeliveryThatBegins(t *testing.T) {
	inBubble(t, func(w *world) {
		r := takes(time.Millisecond)
		w.connect("a", r, oneAtATime)
		w.flow("a", r, time.Millisecond)
		for range 1 + places { // one of them under way
			w.promise(plainAlert, "a")
		}
		for n := range 3 { // as quickly as the lane makes them
			w.want("a guest of a full lane", w.ask("a", time.Second), answer{true, time.Millisecond})
			if made := len(r.made()); made != 60+2+n {
				t.Errorf("%d attempts had begun, want %d", made, 60+2+n)
			}
		}
		for range 3 {
			w.dispatcher.Unreserve("a", plainSize)
		}
		time.Sleep(time.Second)
		w.fill("a")
		w.empty("a")
	}, fewPlaces)
}

func TestReserve_DoesNotWaitForASlowLane(t *testing.T) {
	for name, c := range map[string]struct{ each, idle time.Duration }{
		"that makes an attempt each 10 ms": {10 * time.Millisecond, 0},
		"that did nothing for 20 ms":       {time.Millisecond, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				r := takes(c.each)
				w.connect("a", r, oneAtATime)
				w.flow("a", r, c.each)
				time.Sleep(c.idle)
				w.fill("a")
				w.want("a guest", w.ask("a", time.Second), answer{false, 0})
				w.empty("a")
			}, fewPlaces)
		})
	}
	t.Run("that never did anything", func(t *testing.T) {
		inBubble(t, func(w *world) {
			w.connect("a", &receiver{})
			w.fill("a")
			w.want("a guest", w.ask("a", time.Second), answer{false, 0})
			w.empty("a")
		}, fewPlaces)
	})
}

func TestReserve_KeepsToItsPatience(t *testing.T) {
	inBubble(t, func(w *world) {
		r := takes(time.Millisecond)
		w.connect("a", r, oneAtATime)
		w.flow("a", r, time.Millisecond)
		w.fill("a")
		w.want("a guest without patience", w.ask("a", 0), answer{false, 0})
		w.want("a guest with some", w.ask("a", 15*time.Millisecond), answer{false, 15 * time.Millisecond})
		w.empty("a") // nobody takes the places for the one who left
		w.fill("a")
		w.empty("a")
	}, fewPlaces)
}

func TestReserve_SendsGuestsAwayFromALaneThatCloses(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"disabled": func(w *world) {
			w.connect("a", &receiver{}, func(c *delivery.LaneConfig) { c.Enabled = false })
		},
		"removed": func(w *world) { w.dispatcher.RemoveLane("a") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				r := takes(time.Millisecond)
				w.connect("a", r, oneAtATime)
				w.flow("a", r, time.Millisecond)
				w.fill("a")
				first, second := w.visit("a", time.Second), w.visit("a", time.Second)
				time.Sleep(3 * time.Millisecond)
				end(w)
				for _, guest := range []<-chan answer{first, second} {
					w.want("a guest of the lane that closed", <-guest, answer{false, 3 * time.Millisecond})
				}
				w.want("one who comes later", w.ask("a", time.Second), answer{false, 0})
				w.empty("a")
			}, fewPlaces)
		})
	}
}

func TestReserve_SendsGuestsAwayWhenTheBreakerOpens(t *testing.T) {
	inBubble(t, func(w *world) {
		r := takes(time.Millisecond)
		w.connect("a", r, oneAtATime)
		w.flow("a", r, time.Millisecond)
		down := &receiver{respond: func(context.Context, int) error { time.Sleep(5 * time.Millisecond); return errDown }}
		w.connect("a", down, func(c *delivery.LaneConfig) { c.Concurrency = 10 })
		for range 10 {
			w.promise(plainAlert, "a")
			synctest.Wait()
		}
		w.fill("a") // those under way have left theirs
		guest := w.visit("a", time.Second)
		w.want("a guest, when the breaker opens", <-guest, answer{false, 5 * time.Millisecond})
		if h := h(w, "a"); h.State != delivery.Unhealthy {
			t.Errorf("got %+v, want UNHEALTHY", h)
		}
		w.want("one who comes later", w.ask("a", time.Second), answer{false, 0})
		w.empty("a")
	}, fewPlaces)
}

func TestReserve_CostsLittleWhereALaneIsBehind(t *testing.T) {
	inBubble(t, func(w *world) {
		stock(t, w.store, 500, func(int) []string { return []string{"a"} })
		r := takes(time.Millisecond)
		w.connect("a", r, oneAtATime)
		time.Sleep(100*time.Millisecond + time.Microsecond)
		w.want("a guest of a lane that is behind", w.ask("a", time.Second), answer{false, 10 * time.Millisecond})
		w.want("one with less patience", w.ask("a", 2*time.Millisecond), answer{false, 2 * time.Millisecond})
		time.Sleep(time.Second)
		if n := len(r.made()); n != 500 {
			t.Errorf("%d attempts were made, want 500", n)
		}
		w.fill("a")
		w.empty("a")
	}, fewPlaces)
}

// Guests who lose patience at the moment a place is given to them leave none behind that is nobody's.
func TestReserve_LosesNoPlaces(t *testing.T) {
	inBubble(t, func(w *world) {
		r := takes(time.Millisecond)
		w.connect("a", r, oneAtATime)
		granted, refused := 0, 0
		for range 20 {
			w.flow("a", r, time.Millisecond)
			answers := make(chan bool)
			const guests = 40
			for n := range guests {
				go func() {
					ok := w.dispatcher.Reserve("a", plainSize, time.Duration(n%10)*time.Millisecond)
					if ok {
						time.Sleep(time.Millisecond)
						w.dispatcher.Unreserve("a", plainSize)
					}
					answers <- ok
				}()
			}
			for range guests {
				if <-answers {
					granted++
				} else {
					refused++
				}
			}
			w.fill("a")
			w.empty("a")
		}
		if granted < 20*2*places || refused < 20*places {
			t.Errorf("%d guests got a place and %d got none: the test is not what it was meant to be", granted, refused)
		}
	}, fewPlaces)
}
