// The Nimbus OAuth SDK: asks for tokens in each way, and for what a token is worth.
package example;

import static example.Clients.ISSUER;
import static example.Clients.RESOURCE;
import static example.Clients.check;
import static example.Clients.told;

import java.net.URI;
import java.util.Map;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenIntrospectionRequest;
import com.nimbusds.oauth2.sdk.TokenIntrospectionResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.TokenRevocationRequest;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.JWTAuthenticationClaimsSet;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.dpop.DPoPProofFactory;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.Audience;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.oauth2.sdk.token.AccessTokenType;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;

class Tokens {
    static void metadata() throws Exception {
        OIDCProviderMetadata openid = OIDCProviderMetadata.resolve(ISSUER);
        check(openid.getTokenEndpointURI().equals(oauth().getTokenEndpointURI()), openid);
        check(openid.getJWKSetURI().equals(oauth().getJWKSetURI()), openid);
    }

    static void clientSecretBasic() throws Exception {
        isFor("client:" + id("basic"), ask(basic("clients", "basic")));
    }

    static void clientSecretPost() throws Exception {
        ClientID client = new ClientID(id("post"));
        Secret secret = new Secret((String) told("clients", "post").get("secret"));
        isFor("client:" + client, ask(new ClientSecretPost(client, secret)));
    }

    static void privateKeyJwt() throws Exception {
        Map<String, Object> client = told("clients", "assertion");
        ECKey key = ECKey.parse(told("clients", "assertion", "key"));
        var claims = new JWTAuthenticationClaimsSet(new ClientID((String) client.get("id")),
                new Audience(ISSUER));
        ClientAuthentication signed =
                new PrivateKeyJWT(claims, JWSAlgorithm.ES256, key.toPrivateKey(), null, null);
        isFor("client:" + client.get("id"), ask(signed));
    }

    static void apiKey() throws Exception {
        isFor("key:" + told("key").get("id"), ask(basic("key")));
    }

    static void dpop() throws Exception {
        ECKey key = new ECKeyGenerator(Curve.P_256).generate();
        DPoPProofFactory proofs = new DefaultDPoPProofFactory(key, JWSAlgorithm.ES256);
        HTTPRequest request = request(basic("clients", "basic")).toHTTPRequest();
        request.setDPoP(proofs.createDPoPJWT("POST", request.getURI()));
        AccessToken token = token(request);
        check(token.getType().equals(AccessTokenType.DPOP), token.getType());
        Object bound = claims(token).getJSONObjectClaim("cnf").get("jkt");
        check(key.computeThumbprint().toString().equals(bound), bound);
    }

    static void introspection() throws Exception {
        AccessToken token = ask(basic("key"));
        TokenIntrospectionResponse told = worth(token);
        check(told.toSuccessResponse().isActive(), told);
        String subject = "key:" + told("key").get("id");
        check(told.toSuccessResponse().getSubject().getValue().equals(subject), subject);
    }

    static void revocation() throws Exception {
        ClientAuthentication client = basic("clients", "basic");
        AccessToken token = ask(client);
        check(worth(token).toSuccessResponse().isActive(), "before");
        URI endpoint = oauth().getRevocationEndpointURI();
        TokenRevocationRequest request = new TokenRevocationRequest(endpoint, client, token);
        check(request.toHTTPRequest().send().getStatusCode() == 200, "revoked");
        check(!worth(token).toSuccessResponse().isActive(), "after");
    }

    private static AuthorizationServerMetadata oauth() throws Exception {
        return AuthorizationServerMetadata.resolve(ISSUER);
    }

    private static TokenIntrospectionResponse worth(AccessToken token) throws Exception {
        URI endpoint = oauth().getIntrospectionEndpointURI();
        var request = new TokenIntrospectionRequest(endpoint, basic("clients", "api"), token);
        return TokenIntrospectionResponse.parse(request.toHTTPRequest().send());
    }

    private static String id(String client) {
        return (String) told("clients", client).get("id");
    }

    private static ClientAuthentication basic(String... path) {
        Map<String, Object> known = told(path);
        Secret secret = new Secret((String) known.get("secret"));
        return new ClientSecretBasic(new ClientID((String) known.get("id")), secret);
    }

    private static TokenRequest request(ClientAuthentication client) throws Exception {
        return new TokenRequest.Builder(oauth().getTokenEndpointURI(), client, new ClientCredentialsGrant())
                .scope(new Scope("read"))
                .resource(URI.create(RESOURCE))
                .build();
    }

    private static AccessToken ask(ClientAuthentication client) throws Exception {
        return token(request(client).toHTTPRequest());
    }

    private static AccessToken token(HTTPRequest request) throws Exception {
        TokenResponse answer = TokenResponse.parse(request.send());
        check(answer.indicatesSuccess(), answer.toHTTPResponse().getBody());
        return answer.toSuccessResponse().getTokens().getAccessToken();
    }

    private static JWTClaimsSet claims(AccessToken token) throws Exception {
        return SignedJWT.parse(token.getValue()).getJWTClaimsSet();
    }

    private static void isFor(String subject, AccessToken token) throws Exception {
        check(token.getScope().equals(new Scope("read")), token.getScope());
        check(claims(token).getSubject().equals(subject), claims(token));
    }
}
