// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// Draft is a destination as a user writes it: everything but what the server makes. What is zero is as in
// [destination.Destination]. Config is an object with one member, named after the type.
type Draft struct {
	DisplayName          string
	Enabled              bool
	Severities           []alert.Severity
	AlertTypes           []alert.Type
	LogTypes             []string
	AllowManualDispatch  bool
	Fallback             string
	FallbackAfterSeconds int64
	MaxAgeSeconds        int64
	MaxConcurrency       int
	RateLimitPerSecond   float64
	Config               json.RawMessage
}

// Create checks, seals and stores a new destination. A key, of [ParseKey], becomes its id, and the same request again
// returns it as it is: again is true then. Errors: problem.Invalid naming every wrong field, problem.Conflict when the
// display name is taken, or the key.
func (r *Registry) Create(ctx context.Context, key string, draft Draft) (d destination.Destination, again bool, err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	id := key
	if key == "" {
		id = newID()
	}
	write, err := r.writeOfDraft(key, id, draft)
	if err != nil {
		return destination.Destination{}, false, err
	}
	if d, ok := r.Snapshot().Destination(id); ok {
		if key == "" || d.LastWrite != write {
			return destination.Destination{}, false, usedKey(id)
		}
		return d, true, nil
	}
	if d, err = r.prepare(id, draft, nil); err != nil {
		return destination.Destination{}, false, err
	}
	d.LastWrite = write
	if err := r.store.CreateDestination(ctx, d); err != nil {
		return destination.Destination{}, false, err
	}
	r.setLane(d) // before anything is routed there
	r.current.Store(r.Snapshot().with(d))
	return d, false, nil
}

// Update checks, seals and stores what a draft makes of a destination. Secrets absent from the draft are kept. again
// reports a repeat: see [Terms].
func (r *Registry) Update(ctx context.Context, id string, terms Terms, draft Draft) (d destination.Destination, again bool, err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	before := r.Snapshot()
	write, err := r.writeOfDraft(terms.Key, id, draft)
	if err != nil {
		return destination.Destination{}, false, err
	}
	if d, ok := before.Destination(id); ok && terms.Key != "" && d.LastWrite == write {
		return d, true, nil
	}
	d, err = r.store.UpdateDestination(ctx, id, func(old destination.Destination) (destination.Destination, error) {
		if err := checkRevision(terms.Revisions, old.Revision); err != nil {
			return destination.Destination{}, err
		}
		d, err := r.prepare(id, draft, &old)
		d.LastWrite = write
		return d, err
	})
	if err != nil {
		return destination.Destination{}, false, err
	}
	after := before.with(d)
	r.current.Store(after)
	r.setLane(d)
	_, waited := before.Fallback(id)
	if _, waits := after.Fallback(id); waits != waited {
		for _, user := range after.users()[id] { // their lanes know it
			r.setLane(*user)
		}
	}
	return d, false, nil
}

// Delete removes a destination; its open deliveries become FAILED. For revisions see [Terms]. The fallback of
// others is not deleted: problem.Conflict.
func (r *Registry) Delete(ctx context.Context, id string, revisions []int64) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	err := r.store.DeleteDestination(ctx, id, r.opts.Now(), func(old destination.Destination) error {
		if err := checkRevision(revisions, old.Revision); err != nil {
			return err
		}
		if users := r.Snapshot().users()[id]; len(users) > 0 {
			return inUse(&old, users)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.current.Store(r.Snapshot().without(id))
	r.opts.Lanes.RemoveLane(id)
	r.FailOrphans(id)
	return nil
}

// FailOrphans makes the open deliveries of a deleted destination FAILED, in the background.
func (r *Registry) FailOrphans(id string) {
	r.background.Go(func() {
		if err := r.failOpen(context.Background(), id); err != nil {
			r.opts.Log.Error("deliveries to a deleted destination are still open; the next start mends it", "destination_id", id, "error", err)
		}
	})
}

// failOpenBatch keeps the transactions small.
const failOpenBatch = 500

func (r *Registry) failOpen(ctx context.Context, id string) error {
	for {
		n, err := r.store.FailOpen(ctx, id, r.opts.Now(), failOpenBatch)
		if err != nil {
			return fmt.Errorf("fail the open deliveries of %s: %w", id, err)
		}
		if n == 0 {
			return nil
		}
		r.opts.Failed(id, n)
	}
}

// Validate reports what Create, or Update when id is not "", would say of a draft, and stores nothing.
func (r *Registry) Validate(id string, draft Draft) error {
	s := r.Snapshot()
	var old *destination.Destination
	if id != "" {
		d, ok := s.Destination(id)
		if !ok {
			return NoDestination(id)
		}
		old = &d
	}
	d, err := r.prepare(id, draft, old)
	if err != nil {
		return err
	}
	if other := s.Named(d.DisplayName); other != nil && other.ID != d.ID {
		return TakenName(d.DisplayName)
	}
	return nil
}

// Warnings names what a valid draft has that cannot work here, though it may elsewhere or later: URLs and hosts with
// addresses that this server may not reach, and certificates that are not good now.
func (r *Registry) Warnings(draft Draft) []problem.Field {
	name, raw, err := r.pick(draft.Config)
	var config map[string]any
	if err != nil || json.Unmarshal(raw, &config) != nil {
		return nil
	}
	var fields []problem.Field
	for _, member := range slices.Sorted(maps.Keys(config)) {
		text, _ := config[member].(string)
		why := r.opts.Env.HTTP.Blocked(text)
		if member == "host" {
			why = r.opts.Env.HTTP.BlockedHost(text)
		}
		if why != "" {
			why = "cannot be reached: " + why
		} else if member == "client_certificate" {
			why = destination.ExpiredAt(text, r.opts.Now())
		}
		if why != "" {
			fields = append(fields, problem.Field{Name: "/config/" + name + "/" + member, Message: why})
		}
	}
	return fields
}

// CheckConfig reports what is wrong with a config alone, as Validate would, for a body whose other parts cannot be read.
func (r *Registry) CheckConfig(id string, config json.RawMessage) error {
	var old *destination.Destination
	if d, ok := r.Snapshot().Destination(id); ok {
		old = &d
	}
	return r.configure(&destination.Destination{}, config, old)
}

// NoDestination is the error for an id that names none.
func NoDestination(id string) error {
	return problem.New(problem.NotFound, "there is no destination with the id %.100q", id)
}

// TakenName is the error for a display name another destination has.
func TakenName(name string) error {
	return &problem.Error{
		Kind: problem.Conflict, Detail: fmt.Sprintf("another destination has the display name %q", name),
		Fields: []problem.Field{{Name: "/display_name", Message: "is taken by another destination (names are compared without regard to case)"}},
	}
}

// AnyRevision stands for whatever revision there is, but there must be one.
const AnyRevision = -1

func checkRevision(wanted []int64, current int64) error {
	if wanted == nil || slices.Contains(wanted, AnyRevision) || slices.Contains(wanted, current) {
		return nil
	}
	words := make([]string, len(wanted))
	for i, revision := range wanted {
		words[i] = strconv.FormatInt(revision, 10)
	}
	return problem.New(problem.Stale, "the revision is %d by now, not %.200s: somebody else changed it", current, strings.Join(words, " or "))
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// prepare makes a checked and sealed destination of a draft, in the place of old if it is not nil.
func (r *Registry) prepare(id string, draft Draft, old *destination.Destination) (destination.Destination, error) {
	now := r.opts.Now().UTC()
	d := destination.Destination{
		ID: id, DisplayName: strings.TrimSpace(draft.DisplayName), Enabled: draft.Enabled,
		Severities: sorted(draft.Severities, alert.Severities()), AlertTypes: sorted(draft.AlertTypes, alert.Types()),
		LogTypes: sortedWords(draft.LogTypes), AllowManualDispatch: draft.AllowManualDispatch,
		Fallback: draft.Fallback, FallbackAfterSeconds: draft.FallbackAfterSeconds,
		MaxAgeSeconds: draft.MaxAgeSeconds, MaxConcurrency: draft.MaxConcurrency, RateLimitPerSecond: draft.RateLimitPerSecond,
		CreatedAt: now, UpdatedAt: now, Revision: 1,
	}
	if old != nil {
		d.CreatedAt, d.Revision = old.CreatedAt, old.Revision+1
	}
	fields := append(nameFaults(d.DisplayName), r.Snapshot().fallbackFaults(&d)...)
	err := r.configure(&d, draft.Config, old)
	if err != nil && problem.KindOf(err) != problem.Invalid {
		return destination.Destination{}, err
	}
	fields = append(fields, problem.FieldsOf(err)...)
	return d, problem.InvalidFields(fields)
}

func nameFaults(name string) []problem.Field {
	if fault := route.NameFault(name); fault != "" {
		return []problem.Field{{Name: "/display_name", Message: fault}}
	}
	return nil
}

// configure fills in the type, config and secrets of d. Its problem.Invalid has fields below "/config".
func (r *Registry) configure(d *destination.Destination, raw json.RawMessage, old *destination.Destination) error {
	name, config, err := r.pick(raw)
	if err != nil {
		return err
	}
	t := r.types[name]
	d.Type = name
	var kept func(member string) (json.RawMessage, error)
	if old != nil {
		if old.Type != name {
			return invalidConfig("", fmt.Sprintf("this is a %s destination; the type cannot change to %s: delete it and create another", old.Type, name))
		}
		kept = func(member string) (json.RawMessage, error) { return r.unseal(*old, member) }
	}
	public, secrets, err := t.Split(config, kept)
	if err != nil {
		return below("/config/"+name, err)
	}
	d.Config = public
	return r.seal(d, secrets, old)
}

// pick reads the one member of a config and its name, which is a known type.
func (r *Registry) pick(raw json.RawMessage) (name string, config json.RawMessage, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || len(members) != 1 {
		return "", nil, invalidConfig("", "must be an object with exactly one member, named after the destination type: "+r.typeNames())
	}
	for name, config = range members {
		if _, ok := r.types[name]; !ok {
			return "", nil, invalidConfig("/"+name, "is no destination type; there are "+r.typeNames())
		}
	}
	return name, config, nil
}

func (r *Registry) typeNames() string {
	return strings.Join(slices.Sorted(maps.Keys(r.types)), ", ")
}

func invalidConfig(pointer, message string) error {
	return problem.InvalidFields([]problem.Field{{Name: "/config" + pointer, Message: message}})
}

// below moves the fields of a problem.Invalid under a pointer.
func below(pointer string, err error) error {
	e, ok := errors.AsType[*problem.Error](err)
	if !ok {
		return err
	}
	fields := slices.Clone(e.Fields)
	for i := range fields {
		fields[i].Name = pointer + fields[i].Name
	}
	return problem.InvalidFields(fields)
}

// seal encrypts the secrets into d. One that did not change keeps its sealed form.
func (r *Registry) seal(d *destination.Destination, secrets map[string]json.RawMessage, old *destination.Destination) error {
	d.Sealed, d.Fingerprints = map[string][]byte{}, map[string]string{}
	for name, plain := range secrets {
		at := place(d.ID, name)
		d.Fingerprints[name] = r.sealer.Fingerprint(at, plain)
		if old != nil && old.Fingerprints[name] == d.Fingerprints[name] {
			d.Sealed[name] = old.Sealed[name]
			continue
		}
		sealed, err := r.sealer.Seal(at, plain)
		if err != nil {
			return fmt.Errorf("seal %s: %w", at, err)
		}
		d.Sealed[name] = sealed
	}
	return nil
}

// sorted returns the values in the order they have in all, each once.
func sorted[T comparable](values, all []T) []T {
	out := []T{}
	for _, v := range all {
		if slices.Contains(values, v) {
			out = append(out, v)
		}
	}
	return out
}

func sortedWords(words []string) []string {
	out := append([]string{}, words...) // never nil
	slices.Sort(out)
	return slices.Compact(out)
}
