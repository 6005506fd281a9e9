// SPDX-License-Identifier: MPL-2.0

// Package api is the HTTP interface of the control plane.
//
// openapi.yaml is the contract; the server interface (server.gen.go) is generated from it. Handlers translate between
// its types and the domain and hold no rules.
//
//	api.go       assembling: routes, authentication, errors
//	contract.go  the contract at run time: permissions, and checking bodies against their schemas
//	body.go      reading request bodies
//	large.go     how much of what is large or laborious is done at once
//	problem.go   errors as problem documents
//	ifmatch.go   ETags and If-Match
//	terms.go     when a change is to be made, and when it came before
//	render.go    what an alert becomes for a destination
//	accept.go    accepting alerts, one and many
//	backup.go    streaming a copy of the store
//	alerts.go, deliveries.go, destinations.go, overrides.go, tokens.go, operations.go   one handler file per resource
package api

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi.yaml openapi.yaml

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 8 << 20

// API serves the contract. Its members are what the handlers delegate to.
type API struct {
	Store      store.Store
	Intake     *intake.Intake
	Registry   *registry.Registry
	Dispatcher *delivery.Dispatcher
	Tokens     *auth.Keeper
	Types      []destination.Type
	Metrics    http.Handler
	Ready      func(context.Context) error
	Version    string // of this build

	// Backup copies the store. It calls begin once, with the size of the copy in bytes, before it writes the first;
	// then as much is written as that. Nil where the store cannot be copied.
	Backup func(ctx context.Context, begin func(size int64) (io.Writer, error)) error

	Now func() time.Time
	Log *slog.Logger

	contract *contract
	large    places
	lists    places
	answers  places
}

// Handler assembles the HTTP handler.
func (a *API) Handler() (http.Handler, error) {
	var err error
	if a.contract, err = loadContract(); err != nil {
		return nil, err
	}
	a.large, a.lists = make(places, largeAtOnce), make(places, max(1, runtime.GOMAXPROCS(0)/2))
	a.answers = make(places, answersAtOnce)
	e := echo.New()
	e.Logger = a.Log
	e.HTTPErrorHandler = a.writeProblem
	e.Binder = binder{a.contract, a.Registry}
	guards := map[string][]echo.MiddlewareFunc{}
	for id, op := range a.contract.operations {
		guards[id] = []echo.MiddlewareFunc{a.guard(op)}
	}
	e.Pre(identify)
	RegisterHandlersWithOptions(e, NewStrictHandler(a, nil), RegisterHandlersOptions{OperationMiddlewares: guards})
	return e, nil
}

const (
	requestIDHeader = "X-Request-Id"
	operationKey    = "operation"
)

// identify gives each request an id: the caller's, if it is a short visible one, else a new one.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		id := c.Request().Header.Get(requestIDHeader)
		if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
			id = newRequestID()
		}
		c.Response().Header().Set(requestIDHeader, id)
		return next(c)
	}
}

// newRequestID makes a UUID. It is no secret, so what makes it differ need not come from the kernel.
func newRequestID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String()
}

type tokenKey struct{}

// bearer returns the token of the request's caller.
func bearer(ctx context.Context) auth.Token {
	t, _ := ctx.Value(tokenKey{}).(auth.Token)
	return t
}

// guard lets a request through to an operation when its token holds the permission the contract names.
func (a *API) guard(op *operation) echo.MiddlewareFunc {
	readsAlerts := slices.Contains([]string{"getAlert", "listAlerts", "listDeliveries", "renderDestination", "renderUnsavedDestination"}, op.id)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Set(operationKey, op)
			r := c.Request()
			if op.permission != public {
				t, err := a.authenticate(r)
				if err != nil {
					c.Response().Header().Set("WWW-Authenticate", `Bearer realm="alertrouter"`)
					return err
				}
				if op.permission != anyone && !t.Has(op.permission) {
					return problem.New(problem.Forbidden, "this needs the permission %s, which the token %q does not have", op.permission, t.Name)
				}
				r = r.WithContext(context.WithValue(r.Context(), tokenKey{}, t))
			}
			if r.URL.RawQuery != "" {
				if err := op.checkQuery(r.URL.Query()); err != nil {
					return err
				}
			}
			if tags := r.Header.Values("If-Match"); len(tags) > 1 { // the lines of a list are one list
				r.Header.Set("If-Match", strings.Join(tags, ", "))
			}
			leave, err := a.large.admit(r)
			if err != nil {
				return err
			}
			defer leave()
			if readsAlerts {
				done, err := a.answers.answer(c.Response(), r)
				if err != nil {
					return err
				}
				defer done()
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, MaxBody)
			c.SetRequest(r)
			return next(c)
		}
	}
}

func (a *API) authenticate(r *http.Request) (auth.Token, error) {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return auth.Token{}, problem.New(problem.Unauthorized, "send a token as `Authorization: Bearer <token>`")
	}
	return a.Tokens.Identify(secret.New(strings.TrimSpace(value)))
}

// pageSize reads a limit parameter.
func pageSize(limit *Limit) (int, error) {
	if limit == nil {
		return 100, nil
	}
	if *limit < 1 || *limit > 1000 {
		return 0, problem.InvalidFields([]problem.Field{{Name: "limit", Message: "must be from 1 to 1000"}})
	}
	return *limit, nil
}

// checkEnum adds a field for every value that is none of the contract's.
func checkEnum[T interface {
	~string
	Valid() bool
}](fields []problem.Field, name string, values []T) []problem.Field {
	for _, v := range values {
		if !v.Valid() {
			fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf("%.40q is none of the contract's values", string(v))})
		}
	}
	return fields
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// orNil returns nil for a zero value: how the contract says "not set".
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
