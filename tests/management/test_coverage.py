"""Whatever the management API can do, the command line can: a new operation does not pass without its command here."""

import pytest

from harness.management import Management

COMMANDS = """
getDocument              api
getServer                version
setUp                    setup
startSession             login
listLoginWays            login
beginDeviceLogIn         login
finishDeviceLogIn        login
endCurrentSession        logout
whoami                   whoami

listUsers                user list
createUser               user create
getUser                  user show
changeUser               user lock
setPassword              user password
liftLogInLimits          user unlock
listUserSessions         user sessions
endSessions              user sessions
endUserSession           user sessions

getFactors               factor status
resetFactors             user reset-factors
beginTotp                factor enroll
confirmTotp              factor enroll
removeTotp               factor delete
makeRecoveryCodes        factor codes
removeSecurityKey        factor delete

listTokens               token list
createToken              token create
getToken                 token show
rotateToken              token rotate
revokeToken              token revoke
revokeTokens             token revoke
reportLeaked             token leaked

getPolicy                policy show
setPolicy                policy set
getOrganizationPolicy    policy show
setOrganizationPolicy    policy set

listRepositories         repo list
createRepository         repo create
getRepository            repo show
changeRepository         repo set
deleteRepository         repo delete
renameRepository         repo rename
listTags                 repo tags
listUploads              repo uploads
getUpload                repo uploads
cancelUpload             repo uploads

listGrants               grant list
listAccess               grant list
listRepositoryGrants     grant list
setRepositoryGrant       grant set
removeRepositoryGrant    grant delete
listNamespaceGrants      grant list
setNamespaceGrant        grant set
removeNamespaceGrant     grant delete
listNamespaces           namespace list
getNamespace             namespace show
changeNamespace          namespace set

listOrganizations        org list
createOrganization       org create
getOrganization          org show
changeOrganization       org set
renameOrganization       org rename
deleteOrganization       org delete
listMembers              org member list
setMember                org member set
removeMember             org member delete
listInvitations          org invitations
invite                   org invite
revokeInvitation         org withdraw
listOwnInvitations       org invitations
acceptInvitation         org accept
acceptInvitationToken    org accept
declineInvitation        org decline

listTeams                team list
createTeam               team create
getTeam                  team show
changeTeam               team move
deleteTeam               team delete
listTeamMembers          team members
addTeamMember            team add
removeTeamMember         team remove

listOrganizationRobots   robot list
createOrganizationRobot  robot create
listRepositoryRobots     robot list
createRepositoryRobot    robot create
getRobot                 robot show
changeRobot              robot disable
deleteRobot              robot delete
listTrusts               robot trust list
createTrust              robot trust create
getTrust                 robot trust show
removeTrust              robot trust delete

listLoginProviders       sso provider list
createLoginProvider      sso provider create
getLoginProvider         sso provider show
changeLoginProvider      sso provider set
removeLoginProvider      sso provider delete
testLoginProvider        sso test
listGroupMappings        sso map list
listTeamGroups           sso map list
addGroupMapping          sso map create
removeGroupMapping       sso map delete
listIdentities           sso identities
linkIdentity             sso link
unlinkIdentity           sso unlink
"""

# `bulkhead api` makes these requests, too, of those that a log-in may.
EXCEPTIONS = {
    "proveSession": "asked for on the spot by whatever takes a fresh proof (test_proof.py)",
    "refreshSession": "done by every command, once an hour",
    "listSessions": "user sessions lists one's own as those of anybody",
    "endSession": "user sessions --end ends one's own as those of anybody",
    "getSession": "user sessions shows all of it",
    "getCurrentSession": "user sessions marks it",
    "getInvitation": "org invitations shows all of it",
    "getMember": "org member list shows all of it",
    "getRepositoryGrant": "grant list --given shows all of it",
    "getNamespaceGrant": "grant list shows all of it",
    "challengeKey": "a security key answers to a browser",
    "beginSecurityKey": "a security key answers to a browser",
    "registerSecurityKey": "a security key answers to a browser",
    "exchangeWorkloadToken": "for CI jobs, which have no log-in and no bulkhead: one curl (credentials.md)",
}


def command_of():
    return {line.split()[0]: line.split()[1:] for line in COMMANDS.splitlines() if line}


def test_every_operation_has_a_command(server, admin):
    del admin
    document = Management(server).get("/openapi.json").json()
    there = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    covered = set(command_of())
    assert there - covered - EXCEPTIONS.keys() == set(), "these have no command"
    assert (covered | EXCEPTIONS.keys()) - there == set(), "these are no operations"
    assert covered & EXCEPTIONS.keys() == set()


@pytest.mark.parametrize("command", sorted({" ".join(words) for words in command_of().values()}))
def test_the_command_is_there(server, command):
    shown = server.run(*command.split(), "--help", data=False)
    assert f"bulkhead {command}" in shown.stdout
