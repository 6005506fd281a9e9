// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

const (
	// resolveTimeout bounds the search for credentials. It goes on when the attempt that began it is over: the next
	// one has use for what it finds.
	resolveTimeout = 30 * time.Second

	// renewBefore is how long before their end credentials are replaced, somewhere in its second half.
	renewBefore = 2 * time.Minute
)

// identity finds credentials at the first call, keeps them, and finds new ones before they end:
//
//	access_key_id     those keys
//	profile           that profile of the server's files
//	neither           the SDK's default chain: environment, web identity (EKS), files, ECS and EKS, EC2
//	role_arn beside   the role, assumed with what the above gives
type identity struct {
	access Access
	region string
	env    destination.Env
	cache  *aws.CredentialsCache

	mu      sync.Mutex
	ambient aws.CredentialsProvider // of the profile or the default chain, once it is loaded
}

func newIdentity(a Access, region string, env destination.Env) *identity {
	id := &identity{access: a, region: region, env: env}
	id.cache = aws.NewCredentialsCache(id, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow, o.ExpiryWindowJitterFrac = renewBefore, 0.5
	})
	return id
}

// forget has the next call look for credentials anew: the server's files may have other keys by now.
func (id *identity) forget() {
	id.mu.Lock()
	id.ambient = nil
	id.mu.Unlock()
	id.cache.Invalidate()
}

// Retrieve finds credentials. The cache calls it on a goroutine of its own, where a panic would end the server: the
// SDK's sources take answers apart without looking whether all is there.
func (id *identity) Retrieve(ctx context.Context) (found aws.Credentials, err error) {
	defer func() {
		if v := recover(); v != nil {
			found, err = aws.Credentials{}, &credentialError{fmt.Errorf("the search for AWS credentials failed internally (%T)", v)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	base, err := id.base(ctx)
	if err != nil {
		return aws.Credentials{}, &credentialError{err}
	}
	found, err = base.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &credentialError{ambientFault(err, id.access.Profile)}
	}
	if id.access.RoleARN == "" {
		return found, nil
	}
	if found, err = id.assume(ctx, found); err != nil {
		return aws.Credentials{}, &credentialError{fmt.Errorf("the role could not be assumed: %w", err)}
	}
	return found, nil
}

// base returns where the credentials come from that are not a role's.
func (id *identity) base(ctx context.Context) (aws.CredentialsProvider, error) {
	a := id.access
	if a.AccessKeyID != "" {
		return credentials.NewStaticCredentialsProvider(a.AccessKeyID, a.SecretAccessKey.Reveal(), a.SessionToken.Reveal()), nil
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.ambient != nil {
		return id.ambient, nil
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(id.region),
		config.WithHTTPClient(guarded(id.env.HTTP)), // of STS and SSO
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		// The metadata addresses are the operator's, and closed to the client above; see the package's comment.
		config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = imds.New(imds.Options{}) }),
	}
	if a.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	switch {
	case isA[config.SharedConfigProfileNotExistError](err):
		return nil, needsOperator{fmt.Errorf("the server's AWS files have no profile %q", a.Profile)}
	case err != nil: // it may quote the files
		return nil, needsOperator{errors.New("the server's AWS settings cannot be read: look at its files, AWS_CA_BUNDLE and the other environment variables")}
	}
	id.ambient = loaded.Credentials
	return id.ambient, nil
}

// guarded is the SDK's own HTTP client, dialling under the guard. The default chain insists on it where AWS_CA_BUNDLE is set.
func guarded(client *outbound.Client) aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialContext, t.Proxy = client.DialContext, nil
	})
}

// assume calls STS. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (id *identity) assume(ctx context.Context, with aws.Credentials) (aws.Credentials, error) {
	a := id.access
	name := a.RoleSessionName
	if name == "" {
		name = DefaultSessionName
	}
	input := &sts.AssumeRoleInput{RoleArn: &a.RoleARN, RoleSessionName: &name}
	if a.ExternalID != "" {
		input.ExternalId = &a.ExternalID
	}
	exchange := &exchange{doer: id.env.HTTP.Doer()}
	client := sts.NewFromConfig(configure(id.region, a.STSEndpointURL, credentials.StaticCredentialsProvider{Value: with}, exchange))
	output, err := client.AssumeRole(ctx, input)
	if exchange.resp == nil {
		return aws.Credentials{}, destination.NotSent(exchange.fault(ctx))
	}
	if code := exchange.resp.StatusCode; code < 200 || code > 299 {
		return aws.Credentials{}, id.refused(err, exchange.resp, with)
	}
	if err != nil || output.Credentials == nil || output.Credentials.AccessKeyId == nil || output.Credentials.SecretAccessKey == nil ||
		output.Credentials.SessionToken == nil || output.Credentials.Expiration == nil {
		return aws.Credentials{}, errors.New("the answer is a success, but holds no credentials: did a login page or a proxy answer in the place of STS?")
	}
	return aws.Credentials{
		AccessKeyID:     *output.Credentials.AccessKeyId,
		SecretAccessKey: *output.Credentials.SecretAccessKey,
		SessionToken:    *output.Credentials.SessionToken,
		Source:          "AssumeRole",
		CanExpire:       true,
		Expires:         *output.Credentials.Expiration,
	}, nil
}

// refused is the error for what STS answers in place of credentials.
func (id *identity) refused(err error, resp *outbound.Response, with aws.Credentials) error {
	said := errorOf(err, resp)
	if said == nil {
		return destination.Check(resp, id.env.Now())
	}
	switch verdictOf(said.Code, said.Message) {
	case renew, refused: // of the credentials that asked
		id.mu.Lock()
		id.ambient = nil
		id.mu.Unlock()
	}
	text := masked(said.Error(), []secret.String{secret.New(with.SecretAccessKey), secret.New(with.SessionToken)})
	return &remark{outcome(said, resp, id.env.Now()), text}
}

// remark adds words to an error.
type remark struct {
	error
	text string
}

func (r *remark) Error() string { return r.error.Error() + ": " + r.text }

func (r *remark) Unwrap() error { return r.error }

// credentialError is found again in what the SDK's cache makes of it.
type credentialError struct{ error }

func (e *credentialError) Unwrap() error { return e.error }

// credentialFault is what an attempt ends with when there are no credentials.
func credentialFault(err error) error {
	if e, ok := errors.AsType[*credentialError](err); ok {
		return e.error
	}
	return fmt.Errorf("the AWS credentials were not there in time: %w", err)
}

// ambientFault says why the server's own credentials were not found. The SDK's texts are not passed on: they may quote
// what a program printed that was to print credentials.
func ambientFault(err error, profile string) error {
	if said := errorOf(err, &outbound.Response{}); said != nil {
		return ambientRefusal(said)
	}
	text := "no AWS credentials were found: set access_key_id and secret_access_key, or give the server an identity of its own " +
		"(environment variables, a profile, a web identity, or the role of its task, pod or machine)"
	if profile != "" {
		text = fmt.Sprintf("the profile %q gives no AWS credentials: look at it in the server's AWS files", profile)
	}
	switch {
	case errors.Is(err, outbound.ErrBlocked):
		return destination.Permanent(fmt.Errorf("the server's own AWS credentials cannot be fetched: %w", err))
	case isA[*processcreds.ProviderError](err):
		text = "the program that is to give the server AWS credentials (credential_process) failed"
	case isA[*ssocreds.InvalidTokenError](err):
		text = "the server's sign-in to AWS (SSO) has ended: sign in again"
	}
	return needsOperator{errors.New(text)}
}

// ambientRefusal is the error for what AWS said to the default chain.
func ambientRefusal(said *Error) error {
	err := fmt.Errorf("AWS gives the server no credentials: %s", said.Error())
	switch verdictOf(said.Code, said.Message) {
	case later, renew:
		return err
	}
	return needsOperator{err}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
