// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Caller calls AWS as an [Access] says. It is safe for concurrent use.
type Caller struct {
	env      destination.Env
	identity *identity
	config   aws.Config
}

// NewCaller returns a caller; it does no I/O. region and endpoint are those of the topic or queue, and count where the
// access says nothing.
func NewCaller(a Access, region, endpoint string, env destination.Env) *Caller {
	if a.Region != "" {
		region = a.Region
	}
	if a.EndpointURL != "" {
		endpoint = a.EndpointURL
	}
	id := newIdentity(a, region, env)
	return &Caller{env: env, identity: id, config: configure(region, endpoint, id.cache, env.HTTP.Doer())}
}

// Config is what a client of one of AWS's services is made from.
func (c *Caller) Config() aws.Config { return c.config.Copy() }

// configure is the SDK's configuration for one attempt at a time: trying again belongs to delivery.
func configure(region, endpoint string, as aws.CredentialsProvider, client aws.HTTPClient) aws.Config {
	config := aws.Config{
		Region:           region,
		Credentials:      as,
		HTTPClient:       client,
		Retryer:          func() aws.Retryer { return aws.NopRetryer{} },
		RetryMaxAttempts: 1,
		AppID:            "alertrouter",
	}
	if endpoint != "" {
		config.BaseEndpoint = &endpoint
	}
	return config
}

// Means are what one call is to be made with.
type Means struct {
	HTTPClient  aws.HTTPClient
	Credentials aws.CredentialsProvider
}

// Call makes one call and says what became of it. send is to make it with the means it is given, and to return the id
// of the message that it made.
func (c *Caller) Call(ctx context.Context, send func(by Means) (id *string, err error)) (destination.Receipt, error) {
	found, err := c.identity.cache.Retrieve(ctx)
	if err != nil {
		return destination.Receipt{}, credentialFault(err)
	}
	exchange := &exchange{doer: c.env.HTTP.Doer()}
	id, err := send(Means{HTTPClient: exchange, Credentials: credentials.StaticCredentialsProvider{Value: found}})
	if exchange.resp == nil {
		return destination.Receipt{}, exchange.fault(ctx)
	}
	resp, secrets := exchange.resp, []secret.String{secret.New(found.SecretAccessKey), secret.New(found.SessionToken)}
	receipt := destination.Receipt{StatusCode: resp.StatusCode, Message: resp.Excerpt(secrets...)}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		if err != nil || id == nil || *id == "" {
			return receipt, destination.Unconfirmed("message")
		}
		receipt.ExternalID = *id
		return receipt, nil
	}
	said := errorOf(err, resp)
	if said == nil {
		return receipt, destination.Check(resp, c.env.Now())
	}
	receipt.Message = masked(said.Error(), secrets)
	switch verdictOf(said.Code, said.Message) {
	case renew, refused:
		c.identity.forget()
	}
	return receipt, &refusal{outcome(said, resp, c.env.Now()), said}
}

// refusal has both an outcome and, for those who look for it, AWS's own error. Its text is that of the outcome: what
// AWS said is in the receipt, without secrets.
type refusal struct {
	error
	said *Error
}

func (r *refusal) Unwrap() []error { return []error{r.error, r.said} }

// masked returns a text without the secrets: AWS explains a wrong signature by what it signed.
func masked(text string, secrets []secret.String) string {
	return (&outbound.Response{Body: []byte(text)}).Excerpt(secrets...)
}

// outcome says by its class what follows from an error of AWS's.
func outcome(said *Error, resp *outbound.Response, now time.Time) error {
	var err error = &destination.StatusError{StatusCode: resp.StatusCode}
	if hint := hintOf(said.Code, said.Message); hint != "" {
		err = fmt.Errorf("%w; %s", err, hint)
	}
	switch verdictOf(said.Code, said.Message) {
	case later, renew:
		if wait, ok := destination.ParseRetryAfter(resp.Header.Get("Retry-After"), now); ok {
			return destination.RetryAfter(err, wait)
		}
		return err
	case wrongTime:
		return needsOperator{err}
	case refused:
		return destination.Permanent(err)
	}
	if limit, ok := tooLong(said.Message); ok || resp.StatusCode == http.StatusRequestEntityTooLarge {
		return destination.TooLarge(err, limit)
	}
	switch outcome, wait := destination.OutcomeOf(destination.Check(resp, now)); outcome {
	case destination.OutcomePermanent:
		return destination.Permanent(err)
	case destination.OutcomeWait:
		return destination.RetryAfter(err, wait)
	}
	return err
}

// exchange is an HTTP client for one call. It remembers what happened: the SDK forgets it when the time is up.
type exchange struct {
	doer outbound.Doer
	resp *outbound.Response
	err  error
}

// Do makes the exchange.
func (e *exchange) Do(req *http.Request) (*http.Response, error) {
	resp, err := e.doer.Do(req)
	if err != nil {
		e.err = err
		return nil, err
	}
	body, _ := io.ReadAll(resp.Body) // from memory
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	e.resp = &outbound.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: body}
	return resp, nil
}

// fault says why there is no answer.
func (e *exchange) fault(ctx context.Context) error {
	switch {
	case e.err != nil:
		return e.err
	case ctx.Err() != nil: // the SDK looks before it sends
		return fmt.Errorf("given up before the request was sent: %w", context.Cause(ctx))
	}
	return destination.Permanent(errors.New("the SDK finds fault with the request"))
}
