// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// postConns is how many connections the yardstick of delivering has.
const postConns = 64

// post posts alerts straight to the sink with a plain client, and returns how many a second.
func (b *bench) post(ctx context.Context, window time.Duration) (float64, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: postConns}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	window = max(window, leastWindow)
	begin := time.Now().Add(warmUp(window))
	end := begin.Add(window)
	var posted atomic.Int64
	errs := make([]error, postConns)
	var running sync.WaitGroup
	for n := range postConns {
		running.Go(func() {
			s := newStream(b.alerts, "alert_id")
			var body []byte
			for errs[n] == nil {
				body = s.add(body[:0])
				errs[n] = b.postOne(ctx, client, body)
				if now := time.Now(); now.After(end) {
					return
				} else if now.After(begin) {
					posted.Add(1)
				}
			}
		})
	}
	running.Wait()
	if posted.Load() == 0 {
		errs = append(errs, errors.New("nothing was posted within the window"))
	}
	return float64(posted.Load()) / window.Seconds(), errors.Join(errs...)
}

func (b *bench) postOne(ctx context.Context, client *http.Client, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.sink.url(0), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
