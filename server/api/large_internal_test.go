// SPDX-License-Identifier: MPL-2.0

package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

func TestLargeBodies_WaitForAPlaceAndSmallOnesDoNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := make(places, largeAtOnce)
		admit := func(length int64) (func(), time.Duration, error) {
			r := httptest.NewRequest("POST", "/v1/alerts", strings.NewReader("x"))
			r.ContentLength = length
			began := time.Now()
			leave, err := p.admit(r)
			return leave, time.Since(began), err
		}
		var leave func()
		for n := range largeAtOnce {
			length := int64(MaxBody)
			if n == 0 {
				length = -1 // not known
			}
			var err error
			if leave, _, err = admit(length); err != nil {
				t.Fatalf("large body %d: %v", n, err)
			}
		}
		if _, waited, err := admit(largeBody); err != nil || waited > 0 {
			t.Errorf("a small body waited %s and got %v, want it let through at once", waited, err)
		}
		_, waited, err := admit(largeBody + 1)
		if problem.KindOf(err) != problem.Unavailable || waited != largePatience {
			t.Errorf("a large body without a place waited %s and got %v, want %s and that it is unavailable", waited, err, largePatience)
		}
		time.AfterFunc(time.Second, leave)
		if _, waited, err := admit(MaxBody); err != nil || waited != time.Second {
			t.Errorf("a large body waited %s and got %v, want the place that was free after a second", waited, err)
		}
	})
}

func TestAnswers_WithAlertsWaitForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := make(places, answersAtOnce)
		ask := func() (func(), time.Duration, error) {
			began := time.Now()
			leave, err := p.answer(httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/alerts/a", nil))
			return leave, time.Since(began), err
		}
		var leave func()
		for n := range answersAtOnce {
			var err error
			if leave, _, err = ask(); err != nil {
				t.Fatalf("answer %d: %v", n, err)
			}
		}
		if _, waited, err := ask(); problem.KindOf(err) != problem.Unavailable || waited != largePatience {
			t.Errorf("without a place: waited %s and got %v, want %s and that it is unavailable", waited, err, largePatience)
		}
		time.AfterFunc(time.Second, leave)
		if _, waited, err := ask(); err != nil || waited != time.Second {
			t.Errorf("waited %s and got %v, want the place that was free after a second", waited, err)
		}
	})
}
